// expected: made from the block's sizes
#ifdef MISTAKE
#define BROKEN NO_CONSTRUCTOR
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
