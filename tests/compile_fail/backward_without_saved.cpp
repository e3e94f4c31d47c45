// expected: backward() is missing or has the wrong signature
#ifdef MISTAKE
#define BROKEN BACKWARD_WITHOUT_SAVED
#endif
#include "attention.hpp"
int main() { return int(model.width()); }
