/*
 * A runtime client that needs nothing of its image: no C library, no shell, no resolver, no /tmp. Answers each event
 * with what it sees of its environment. Built static by tests/support/odd_images.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM 1048576

extern char **environ;
static char host[256], received[ROOM], answer[ROOM];
static int port;

static void give_up(const char *what) {
    dprintf(2, "%s: %s\n", what, strerror(errno));
    exit(3);
}

/* The hostname's address, from /etc/hosts: the only resolver that a FROM scratch image has. */
static in_addr_t address_of_host(void) {
    static char hosts[65536];
    int file = open("/etc/hosts", O_RDONLY);
    ssize_t length = file < 0 ? -1 : read(file, hosts, sizeof hosts - 1);
    if (length < 0)
        give_up("/etc/hosts");
    close(file);
    hosts[length] = 0;
    for (char *line = strtok(hosts, "\n"); line; line = strtok(NULL, "\n")) {
        char address[64], name[256];
        if (sscanf(line, "%63s %255s", address, name) == 2 && strcmp(name, host) == 0)
            return inet_addr(address);
    }
    errno = ENOENT;
    give_up(host);
    return 0;
}

/* One exchange with the Runtime API on a connection of its own; `received` is the whole answer. */
static void exchange(const char *method, const char *path, const char *body, size_t length) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = address_of_host()};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&place, sizeof place) < 0)
        give_up("connect");
    dprintf(connection, "%s %s HTTP/1.0\r\nHost: %s:%d\r\nContent-Length: %zu\r\n\r\n", method, path, host, port, length);
    for (size_t sent = 0; sent < length;) {
        ssize_t more = write(connection, body + sent, length - sent);
        if (more < 0)
            give_up("write");
        sent += more;
    }
    size_t size = 0;
    ssize_t more;
    while (size < ROOM - 1 && (more = read(connection, received + size, ROOM - 1 - size)) > 0)
        size += more;
    received[size] = 0;
    close(connection);
}

/* "yes", or why not. */
static const char *written(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0)
        return strerrorname_np(errno);
    close(file);
    unlink(path);
    return "yes";
}

static char *quoted(char *at, const char *text, size_t most) {
    *at++ = '"';
    for (; *text && most--; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        if ((unsigned char)*text >= ' ')
            *at++ = *text;
    }
    *at++ = '"';
    return at;
}

/* The environment as an object, each value cut after 100 bytes, and how long it is in all. */
static char *environment(char *at) {
    at += sprintf(at, "\"variables\":{");
    for (char **one = environ; *one; one++) {
        char *value = strchr(*one, '=');
        if (!value)
            continue;
        if (one != environ)
            *at++ = ',';
        char name[300];
        snprintf(name, sizeof name, "%.*s", (int)(value - *one), *one);
        at = quoted(at, name, 299);
        *at++ = ':';
        at = quoted(at, value + 1, 100);
    }
    return at + sprintf(at, "}");
}

static void answer_one(void) {
    exchange("GET", "/2018-06-01/runtime/invocation/next", "", 0);
    char *body = strstr(received, "\r\n\r\n"), *id = strcasestr(received, "lambda-runtime-aws-request-id:");
    if (!body || !id)
        exit(4);
    static char path[256], folder[4096], event[ROOM / 4];
    snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%.36s/response", id + 31);
    snprintf(event, sizeof event, "%s", body + 4);
    struct stat tmp;
    char *at = answer;
    at += sprintf(at, "{\"event\":%s,\"ids\":[%d,%d],\"cwd\":", event, geteuid(), getegid());
    at = quoted(at, getcwd(folder, sizeof folder) ? folder : "", 1000);
    at += sprintf(at, ",\"tmp\":\"%s\",\"root\":\"%s\"", written("/tmp/written"), written("/written"));
    at += sprintf(at, ",\"here\":\"%s\"", written("written"));
    at += sprintf(at, ",\"tmp_mode\":\"%o\",", stat("/tmp", &tmp) ? 0 : tmp.st_mode & 07777);
    at = environment(at);
    *at++ = '}';
    exchange("POST", path, answer, at - answer);
}

int main(void) {
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    if (!api || sscanf(api, "%255[^:]:%d", host, &port) != 2)
        return 2;
    for (;;)
        answer_one();
}
