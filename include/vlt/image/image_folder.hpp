#pragma once
#include <vlt/image/preflight.hpp>
#include <vlt/io/folder.hpp>

namespace vlt::image {

// The folder under which a data set's image names lie. What a name says is not trusted: nothing outside is opened, and
// every file passes the pre-flight before anyone decodes it.
class ImageFolder {
 public:
  // path: --image_folder; empty if the user named none, which is a fault as soon as an image is asked for.
  explicit ImageFolder(const std::string& path, const ImageLimits& limits = {}) : limits_(limits) {
    if (!path.empty()) folder_.emplace(path, blame_data, "image");
  }
  const ImageLimits& limits() const { return limits_; }

  // The bytes of an image file. Throws DATA-PATH-... or DATA-FILE-... (exit 3).
  std::string read(const std::string& name) const { return opened(name).open(name).read_all(limits_.file_bytes); }

  // What the file's first bytes promise. Throws what read() throws and DATA-IMAGE-... if the bytes are no usable image.
  // Without `advise` a missing file is reported without looking for a similar name.
  ImageHeader check(const std::string& name, bool advise) const {
    const Folder& folder = opened(name);
    const bool list = name.find(',') != std::string::npos;
    if ((!advise || list) && !folder.find(name)) refuse_missing(folder, name, list);
    return preflight(advise ? read_or_advise(name) : read(name), folder.name_of(name), limits_);
  }

 private:
  std::optional<Folder> folder_;
  ImageLimits limits_;

  const Folder& opened(const std::string& name) const {
    if (folder_) return *folder_;
    throw Error(ExitCode::usage, Complaint("OPT-DATA-026", "a record names an image, but there is no --image_folder")
                                     .expected("--image_folder DIR")
                                     .found(quoted(name))
                                     .help("name the folder of the images"));
  }
  // A name that is missing here may be right in a folder within or above: then --image_folder is what is wrong.
  std::string read_or_advise(const std::string& name) const {
    try {
      return read(name);
    } catch (const Error& e) {
      const std::string meant = e.complaint().code() == "DATA-PATH-001" ? meant_folder(name) : "";
      if (meant.empty()) throw;
      throw Error(e.exit(), Complaint(e.complaint()).help("did you mean --image_folder " + meant + "?"));
    }
  }
  std::string meant_folder(const std::string& name) const {
    constexpr std::size_t looked_into = 1000;
    for (const std::string& inner : folder_->names(looked_into))
      if (holds(folder_->name_of(inner), name)) return folder_->name_of(inner);
    const std::string above = folder_->path() + "/..";
    return holds(above, name) ? above : "";
  }
  static bool holds(const std::string& folder, const std::string& name) {
    try {
      return Folder(folder, blame_data, "image").find(name).has_value();
    } catch (const Error&) { return false; }
  }
  [[noreturn]] static void refuse_missing(const Folder& folder, const std::string& name, bool list) {
    blame_data.raise(Complaint("PATH-001", "image file is missing: " + errno_text(ENOENT))
                         .at(folder.path())
                         .expected("the name of a file inside " + folder.path())
                         .found(quoted(name))
                         .help(list ? "use a list for several images: [\"a.png\", \"b.png\"]" : ""));
  }
};

}  // namespace vlt::image
