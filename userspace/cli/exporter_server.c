// SPDX-License-Identifier: GPL-2.0
/*
 * A server for one page. libmicrohttpd was considered: it limits how long a client
 * is silent but not how long it takes, so that one that sends a byte now and then
 * keeps its place for hours; and with it every run of this program, which is often
 * root's, would load GnuTLS. What is needed of HTTP here is the first line of a
 * request.
 *
 * Clients are hostile: each has a fixed room and a fixed time in total. If all
 * places are taken, the oldest client loses its own, so nobody waits for slow
 * ones. The page is made at most once a second, however often it is asked for.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "exporter.h"
#include "exposition.h"
#include "fail.h"
#include "memory.h"

#define CLIENTS		32
#define REQUEST_ROOM	4096
#define CLIENT_MS	5000
#define PAGE_MS		1000
#define PAUSE_MS	100	/* when descriptors or memory ran out */

/* A response. Those who still read an older one keep it. */
struct page {
	unsigned int users;
	size_t head;		/* bytes before the body */
	size_t size;
	char *text;
};

struct client {
	int fd;			/* -1: a free place */
	uint64_t accepted;	/* ms */
	char request[REQUEST_ROOM];
	size_t received;
	struct page *page;	/* NULL: the request is not complete */
	size_t sent;
	size_t size;		/* of what is to be sent */
};

struct web {
	struct exporter *exporter;
	int socket;
	bool has_hosts;		/* not by a path, which no browser can reach */
	int signals;
	struct client clients[CLIENTS];
	struct page *page;	/* the last one, or NULL */
	uint64_t made;		/* ms */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Service Unavailable";
	}
}

static struct page *new_page(int status, const char *type, const char *body,
			     size_t size)
{
	struct page *page = grow(NULL, sizeof(*page));
	FILE *to;

	*page = (struct page){ .users = 1 };
	to = open_memstream(&page->text, &page->size);
	if (!to)
		out_of_memory();
	fprintf(to, "HTTP/1.0 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
		status, status_text(status), type, size,
		status == 405 ? "Allow: GET, HEAD\r\n" : "");
	fflush(to);
	page->head = page->size;
	fwrite(body, 1, size, to);
	if (fclose(to))
		out_of_memory();
	return page;
}

static void put_page(struct page *page)
{
	if (!page || --page->users)
		return;
	free(page->text);
	free(page);
}

static struct page *get_page(struct page *page)
{
	page->users++;
	return page;
}

static struct page *complain(int status, const char *message)
{
	return new_page(status, "text/plain; charset=utf-8", message,
			strlen(message));
}

static struct page *make_page(struct exporter *exporter)
{
	struct page *page;
	char *text;
	size_t size;
	int ret = render_metrics(exporter, &text, &size);

	if (ret)
		return complain(503, ret == -EACCES || ret == -EPERM ?
				"the exporter may not read " QUEZTL_DEVICE "\n" :
				"the exporter cannot read the counters\n");
	page = new_page(200, EXPOSITION_TYPE, text, size);
	free(text);
	return page;
}

static struct page *find_page(struct web *web)
{
	uint64_t now = now_ms();

	if (!web->page || now - web->made >= PAGE_MS) {
		put_page(web->page);
		web->page = make_page(web->exporter);
		web->made = now;
	}
	return get_page(web->page);
}

static struct page *answer(struct web *web, int status)
{
	switch (status) {
	case 200:
		return find_page(web);
	case 404:
		return complain(status, "the metrics are at /metrics\n");
	case 421:
		return complain(status, "use an address or localhost\n");
	default:
		return complain(status, "use GET /metrics\n");
	}
}

static void drop_client(struct client *client)
{
	close(client->fd);
	put_page(client->page);
	client->page = NULL;
	client->fd = -1;
}

/* Returns false if the client is to be dropped. */
static bool read_request(struct web *web, struct client *client)
{
	ssize_t got = recv(client->fd, client->request + client->received,
			   REQUEST_ROOM - client->received, 0);
	bool head;
	int status;

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	client->received += got;
	status = judge_request(client->request, client->received, &head);
	if (status == REQUEST_INCOMPLETE && client->received == REQUEST_ROOM)
		status = 431;
	if (status == REQUEST_INCOMPLETE)
		return true;
	if (web->has_hosts && is_rebound(client->request, client->received))
		status = 421;
	client->page = answer(web, status);
	client->size = head ? client->page->head : client->page->size;
	return true;
}

static bool send_page(struct client *client)
{
	ssize_t sent = send(client->fd, client->page->text + client->sent,
			    client->size - client->sent, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	client->sent += sent;
	return client->sent < client->size;
}

static void serve_client(struct web *web, struct client *client)
{
	bool stays = client->page || read_request(web, client);

	if (stays && client->page)
		stays = send_page(client);
	if (!stays)
		drop_client(client);
}

/* A free place, or that of the oldest client. */
static struct client *find_place(struct web *web)
{
	struct client *oldest = &web->clients[0];

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &web->clients[i];

		if (client->fd < 0)
			return client;
		if (client->accepted < oldest->accepted)
			oldest = client;
	}
	drop_client(oldest);
	return oldest;
}

static void accept_client(struct web *web)
{
	int fd = accept4(web->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			poll(NULL, 0, PAUSE_MS);
		return;
	}
	client = find_place(web);
	client->fd = fd;
	client->accepted = now_ms();
	client->received = client->sent = 0;
	serve_client(web, client);
}

/* Returns how long to wait for the next client whose time ends, -1: no limit. */
static int drop_late_clients(struct web *web)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &web->clients[i];
		uint64_t end = client->accepted + CLIENT_MS;

		if (client->fd < 0)
			continue;
		if (end <= now)
			drop_client(client);
		else if (end < next)
			next = end;
	}
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void serve_until_signal(struct web *web)
{
	struct pollfd polled[CLIENTS + 2];
	int wait;

	for (;;) {
		wait = drop_late_clients(web);
		for (int i = 0; i < CLIENTS; i++)
			polled[i] = (struct pollfd){
				.fd = web->clients[i].fd,
				.events = web->clients[i].page ? POLLOUT : POLLIN };
		polled[CLIENTS] = (struct pollfd){
			.fd = web->socket, .events = POLLIN };
		polled[CLIENTS + 1] = (struct pollfd){
			.fd = web->signals, .events = POLLIN };
		if (poll(polled, CLIENTS + 2, wait) < 0 && errno != EINTR)
			return;
		if (polled[CLIENTS + 1].revents)
			return;
		for (int i = 0; i < CLIENTS; i++)
			if (polled[i].fd >= 0 && polled[i].revents)
				serve_client(web, &web->clients[i]);
		if (polled[CLIENTS].revents)
			accept_client(web);
	}
}

/* A signal that was not read would end the program when it is unblocked. */
static void restore_signals(const struct web *web, const sigset_t *usual)
{
	struct signalfd_siginfo info;

	while (read(web->signals, &info, sizeof(info)) > 0)
		;
	sigprocmask(SIG_SETMASK, usual, NULL);
}

int serve_metrics(struct exporter *exporter, int socket)
{
	struct web web = { .exporter = exporter, .socket = socket };
	socklen_t length = sizeof(int);
	sigset_t ends, usual;
	int family;

	web.has_hosts = getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family,
				   &length) || family != AF_UNIX;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, &usual);
	web.signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (web.signals < 0)
		return fail_errno(exporter->cli, -errno,
				  "cannot wait for signals");
	for (int i = 0; i < CLIENTS; i++)
		web.clients[i].fd = -1;
	serve_until_signal(&web);
	for (int i = 0; i < CLIENTS; i++)
		if (web.clients[i].fd >= 0)
			drop_client(&web.clients[i]);
	put_page(web.page);
	restore_signals(&web, &usual);
	close(web.signals);
	return EXIT_OK;
}
