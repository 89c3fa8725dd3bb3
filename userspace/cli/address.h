/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_ADDRESS_H
#define QUEZTL_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>

#include <queztl.h>

#define ADDRESS_ROOM	(INET6_ADDRSTRLEN + sizeof("/128"))

/* An address, or all addresses that share its first prefix bits. */
struct address {
	int family;		/* AF_INET or AF_INET6 */
	unsigned int prefix;
	uint8_t bytes[16];	/* network byte order, 4 of them for AF_INET */
};

enum address_fault {
	ADDRESS_GOOD,
	ADDRESS_MALFORMED,
	ADDRESS_BAD_PREFIX,
	ADDRESS_HOST_BITS,	/* set behind the prefix; otherwise valid */
};

/* ADDRESS or ADDRESS/PREFIX. */
enum address_fault parse_address(const char *text, struct address *address);

/* Clears the host bits. */
void mask_address(struct address *address);

unsigned int address_bits(int family);

/* In the form that parse_address() accepts, without /32 or /128. */
const char *format_address(char buffer[ADDRESS_ROOM],
			   const struct address *address);
/* Converts an address of a port from its form in the ABI. */
struct address from_addr(const struct queztl_addr *addr);

#endif /* QUEZTL_ADDRESS_H */
