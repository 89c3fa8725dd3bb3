// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "options.h"

unsigned int address_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

void mask_address(struct address *address)
{
	for (unsigned int bit = address->prefix; bit < 128; bit++)
		address->bytes[bit / 8] &= ~(0x80 >> bit % 8);
}

static enum address_fault parse_prefix(const char *text,
				       struct address *address)
{
	struct address masked;
	uint64_t prefix;

	if (!parse_number(text, 0, address_bits(address->family), &prefix))
		return ADDRESS_BAD_PREFIX;
	address->prefix = prefix;
	masked = *address;
	mask_address(&masked);
	return memcmp(masked.bytes, address->bytes, sizeof(masked.bytes)) ?
		ADDRESS_HOST_BITS : ADDRESS_GOOD;
}

enum address_fault parse_address(const char *text, struct address *address)
{
	size_t length = strcspn(text, "/");
	char number[INET6_ADDRSTRLEN] = "";

	if (length >= sizeof(number))
		return ADDRESS_MALFORMED;
	memcpy(number, text, length);
	memset(address, 0, sizeof(*address));
	address->family = strchr(number, ':') ? AF_INET6 : AF_INET;
	address->prefix = address_bits(address->family);
	if (inet_pton(address->family, number, address->bytes) != 1)
		return ADDRESS_MALFORMED;
	return text[length] ? parse_prefix(text + length + 1, address) :
		ADDRESS_GOOD;
}

const char *format_address(char buffer[ADDRESS_ROOM],
			   const struct address *address)
{
	char number[INET6_ADDRSTRLEN];

	inet_ntop(address->family, address->bytes, number, sizeof(number));
	if (address->prefix == address_bits(address->family))
		snprintf(buffer, ADDRESS_ROOM, "%s", number);
	else
		snprintf(buffer, ADDRESS_ROOM, "%s/%u", number,
			 address->prefix);
	return buffer;
}

struct address from_addr(const struct queztl_addr *addr)
{
	struct address address = {
		.family = addr->family, .prefix = addr->prefix };

	memcpy(address.bytes, addr->addr, sizeof(address.bytes));
	return address;
}
