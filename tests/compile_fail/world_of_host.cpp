// expected: vlt: ranks cannot exchange what lies in this device's memory; there is no World for it
// A world exchanges memory of the host: a run on another device cannot be given one by mistake.
#include <vlt/dist/world.hpp>
using namespace vlt;

#ifdef MISTAKE
dist::world_t<Device::cuda>& world(dist::Single& alone) { return alone; }
#else
dist::world_t<Device::cpu>& world(dist::Single& alone) { return alone; }
#endif
