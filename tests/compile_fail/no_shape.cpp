// expected: a layer must infer its output shape
#ifdef MISTAKE
#define BROKEN NO_SHAPE
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
