// expected: these two stages do not fit
#ifdef MISTAKE
#define BROKEN WRONG_SPACE
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
