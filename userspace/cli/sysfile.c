// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sysfile.h"

bool read_first_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool found;

	line[0] = '\0';
	if (!file)
		return false;
	found = fgets(line, size, file);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return found;
}

const char *kernel_release(void)
{
	static struct utsname name;

	return uname(&name) ? "" : name.release;
}

static bool same_module(const char *a, size_t length, const char *module)
{
	if (strlen(module) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((a[i] == '-' ? '_' : a[i]) !=
		    (module[i] == '-' ? '_' : module[i]))
			return false;
	return true;
}

/* A line is PATH/NAME.ko, PATH/NAME.ko.xz, or one of these and ": ...". */
static bool line_is_module(const char *line, const char *module)
{
	size_t length = strcspn(line, ":\n");
	const char *base = line;

	for (const char *at = line; at < line + length; at++)
		if (*at == '/')
			base = at + 1;
	for (const char *at = base; at + 3 <= line + length; at++)
		if (!strncmp(at, ".ko", 3))
			return same_module(base, at - base, module);
	return false;
}

bool find_in_modules(FILE *list, const char *module, char *path, size_t size)
{
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	while (!found && getline(&line, &room, list) >= 0)
		found = line_is_module(line, module);
	if (found)
		snprintf(path, size, "%.*s", (int)strcspn(line, ":\n"), line);
	free(line);
	return found;
}

static bool find_in_list(const char *name, const char *module,
			 char *path, size_t size)
{
	char list[128];
	FILE *file;
	bool found;

	snprintf(list, sizeof(list), "/lib/modules/%s/%s", kernel_release(),
		 name);
	file = fopen(list, "re");
	if (!file)
		return false;
	found = find_in_modules(file, module, path, size);
	fclose(file);
	return found;
}

bool find_module_file(const char *module, char *path, size_t size)
{
	char relative[256];

	if (!find_in_list("modules.dep", module, relative, sizeof(relative)))
		return false;
	snprintf(path, size, "/lib/modules/%s/%s", kernel_release(), relative);
	return true;
}

enum module_state module_state(const char *module)
{
	char path[512];

	if (find_in_list("modules.builtin", module, path, sizeof(path)))
		return MODULE_BUILTIN;
	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (!access(path, F_OK))
		return MODULE_LOADED;
	return find_module_file(module, path, sizeof(path)) ?
	       MODULE_LOADABLE : MODULE_MISSING;
}

const char *install_command(const char *debian, const char *fedora,
			    char *buffer, size_t size)
{
	if (!access("/etc/debian_version", F_OK))
		snprintf(buffer, size, "sudo apt install %s", debian);
	else if (!access("/etc/redhat-release", F_OK))
		snprintf(buffer, size, "sudo dnf install %s", fedora);
	else
		snprintf(buffer, size, "install %s", debian);
	return buffer;
}
