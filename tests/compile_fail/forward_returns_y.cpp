// expected: forward() is missing or has the wrong signature
#ifdef MISTAKE
#define BROKEN FORWARD_RETURNS_Y
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
