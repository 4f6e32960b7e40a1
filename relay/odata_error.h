/* odata_error.h - error answers of Dataverse as mlc_error. Pure: any bytes may come in.
 *
 * The code follows the HTTP status (contracts/dataverse.md, Error: class first). The message is
 * "0x80040237: text of the service", or "HTTP 503" when the body is no OData error.
 */
#ifndef MLC_RELAY_ODATA_ERROR_H
#define MLC_RELAY_ODATA_ERROR_H

#include "base/error.h"

#include <stddef.h>

/* Never MLC_OK: a 2xx or strange status gives MLC_E_PROTOCOL, a 4xx without a code of its own MLC_E_REJECTED. */
mlc_code mlc_odata_error_read(int status, const char *body, size_t len, mlc_error *err);

#endif
