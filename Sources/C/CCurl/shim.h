#pragma once
#include <curl/curl.h>

// Variadic functions are not imported: one setter for each type of argument that we pass. libcurl reads `long` and
// `curl_off_t` off the stack by the option's type, so that an `int` in their place would be undefined behaviour.
static inline CURLcode collider_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_url(CURL *easy, CURLU *value) {
    return curl_easy_setopt(easy, CURLOPT_CURLU, value);
}
static inline CURLcode collider_curl_set_receiver(CURL *easy, CURLoption option, curl_write_callback value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode collider_curl_set_open_socket(CURL *easy, curl_opensocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}
// libcurl copies the bytes.
static inline CURLcode collider_curl_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = { .data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY };
    return curl_easy_setopt(easy, option, &blob);
}
static inline CURLMcode collider_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// Variadic as well; the status of the last response, 0 when there was none.
static inline long collider_curl_status(CURL *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

// A time since the start of the transfer, in microseconds; 0 when it did not come to that.
static inline curl_off_t collider_curl_time(CURL *easy, CURLINFO info) {
    curl_off_t time = 0;
    curl_easy_getinfo(easy, info, &time);
    return time;
}

// How many connections the transfer made: 0 when it had one of the pool.
static inline long collider_curl_connections(CURL *easy) {
    long count = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &count);
    return count;
}

// The address that was connected to, which lives as long as the handle is not used again; null or empty for none.
static inline const char *collider_curl_primary_address(CURL *easy) {
    char *address = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    return address;
}

// The result of a finished transfer lies in a union, which is imported without the names of its members' types.
static inline CURLcode collider_curl_result(const CURLMsg *message) {
    return message->data.result;
}

// The address lies at the end of a structure that is longer than its declaration (an IPv6 address does not fit a
// `struct sockaddr`): its place must be passed on, and not a copy.
static inline const struct sockaddr *collider_curl_address(const struct curl_sockaddr *address) {
    return &address->addr;
}

// Macros with casts are not imported.
static const curl_socket_t collider_curl_no_socket = CURL_SOCKET_BAD;
