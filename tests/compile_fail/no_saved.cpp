// expected: a layer must name what forward() keeps for backward()
#ifdef MISTAKE
#define BROKEN NO_SAVED
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
