// Posts the same body again and again by libcurl's multi interface, and does nothing else: what any sender built on it
// can reach at most.
//
//     poster BODY_FILE REQUESTS CONCURRENCY URL...
//
// Prints a line of JSON: requests answered with 200, and seconds.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t ignore(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: poster BODY_FILE REQUESTS CONCURRENCY URL...\n");
        return 2;
    }
    static char body[1 << 20];
    FILE *file = fopen(arguments[1], "rb");
    if (!file) return perror(arguments[1]), 1;
    size_t length = fread(body, 1, sizeof body, file);
    fclose(file);
    long requests = atol(arguments[2]), started = 0, good = 0, ended = 0;
    int concurrency = atoi(arguments[3]), urls = count - 4;
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    double start = now();
    for (int index = 0; index < concurrency && started < requests; index++, started++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, arguments[4 + index % urls]);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)length);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
        curl_multi_add_handle(multi, easy);
    }
    while (ended < requests) {
        int running, left;
        curl_multi_perform(multi, &running);
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *easy = message->easy_handle;
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            good += message->data.result == CURLE_OK && status == 200;
            ended++;
            curl_multi_remove_handle(multi, easy);
            if (started < requests) {
                started++;
                curl_multi_add_handle(multi, easy);
            } else {
                curl_easy_cleanup(easy);
            }
        }
        if (ended < requests) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    printf("{\"good\":%ld,\"seconds\":%.6f}\n", good, now() - start);
    return 0;
}
