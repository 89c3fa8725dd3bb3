/* SPDX-License-Identifier: GPL-2.0 */
#ifndef QUEZTL_JSON_H
#define QUEZTL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Values and members. NULL text and process ID 0 become null. */
json_t *text_json(const char *text);
void set_text(json_t *object, const char *key, const char *text);
void set_count(json_t *object, const char *key, uint64_t number);
void set_process(json_t *object, const char *key, int pid);
void set_json(json_t *object, const char *key, json_t *value);

/* Prints the value and a newline, and frees it; on one line if compact. */
void print_json(json_t *value, FILE *to, bool compact);

#endif /* QUEZTL_JSON_H */
