// expected: a layer must list its parameters and children
#ifdef MISTAKE
#define BROKEN NO_FIELDS
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
