#include "net/http_client.h"

mlc_code mlc_http_status_code(int status)
{
    if (status >= 200 && status < 300)
        return MLC_OK;
    if (status >= 500 && status < 600)
        return MLC_E_UNAVAILABLE;
    switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
        return MLC_E_REJECTED;
    case 401:
        return MLC_E_AUTH;
    case 403:
        return MLC_E_DENIED;
    case 404:
    case 410:
        return MLC_E_NOTFOUND;
    case 409:
    case 412:
        return MLC_E_CONFLICT;
    case 408:
    case 429:
        return MLC_E_THROTTLED;
    default:
        return MLC_E_PROTOCOL;
    }
}
