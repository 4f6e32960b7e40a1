/* trust.c - see trust.h. */
#include "net/trust.h"

void mlc_trust_system(SSL_CTX *ctx)
{
    (void)ctx;
}
