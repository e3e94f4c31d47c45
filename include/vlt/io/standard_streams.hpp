#pragma once
#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <ostream>
#include <vlt/io/file.hpp>

namespace vlt {

// What every program does first. A terminal that is closed and a limit on the size of files become faults of a write,
// not the end of the process. Standard streams that are closed are opened in a way that fails, so that no file of the
// run gets the number of one and receives what was meant for it.
inline void prepare_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (int d = 0; d <= 2; ++d)
    if (::fcntl(d, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", d == 0 ? O_WRONLY : O_RDONLY);
}

// Results that nobody can have received are a fault (exit 6, WRITE-OUT-005); progress of a training is not a result.
inline void require_written(std::ostream& out) {
  if (out.flush()) return;
  // Which of many writes failed is not known any more: the system says why one more does.
  const int reason = ::write(STDOUT_FILENO, "\n", 1) < 0 ? errno : 0;
  throw Error(ExitCode::write, Complaint("WRITE-OUT-005", "the standard output cannot be written")
                                   .at("standard output")
                                   .expected("a stream that takes what is printed")
                                   .found(reason != 0 ? errno_text(reason) : "it took a part only")
                                   .help("send it to a file on a disk with room, or to a terminal"));
}

}  // namespace vlt
