#pragma once
#include <deque>
#include <span>
#include <vlt/data/record.hpp>

namespace vlt::data {

// Several records as one conversation: the system text of `opening`, then the turns and images of all in their order.
// Images without marks stay with the first turn of their own record.
inline Record join_records(const std::deque<Record>& all, Index opening, std::span<const Index> members) {
  require(!members.empty(), "a conversation is joined from one record at least");
  const Record& first = all.at(std::size_t(opening));
  Record joined;
  joined.place = first.place;
  joined.conversation.system = first.conversation.system,
  joined.conversation.has_system = first.conversation.has_system;
  for (const Index member : members) {
    const Record& r = all.at(std::size_t(member));
    joined.id += (joined.id.empty() ? "" : " + ") + r.id;
    joined.images.insert(joined.images.end(), r.images.begin(), r.images.end());
    joined.sizes.insert(joined.sizes.end(), r.sizes.begin(), r.sizes.end());
    const std::size_t turn = joined.conversation.turns.size();
    for (const Turn& t : r.conversation.turns) joined.conversation.turns.push_back(t);
    joined.conversation.turns.at(turn).unmarked = unmarked_images(r.conversation);
    joined.conversation.images += r.conversation.images;
  }
  return joined;
}

}  // namespace vlt::data
