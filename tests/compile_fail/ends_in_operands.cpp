// expected: must end in the residual stream
#ifdef MISTAKE
#define BROKEN ENDS_IN_OPERANDS
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
