// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration files, by libconfuse: it knows where a word is, and takes comments,
 * quotes and lists. All values are texts here, and are checked when they are read.
 */
#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"
#include "config_open.h"
#include "config_text.h"
#include "config_value.h"
#include "fail.h"
#include "format.h"
#include "memory.h"
#include "portdev.h"

/* Options that are no setting of their own: both are of VLAN. */
#define TRUNK	"trunk"
#define NATIVE	"native"

/* libconfuse has no room for it in its callbacks. */
static struct {
	struct cli *cli;
	int errors;
} reader;

/* What a file has may be anything, and the text may be read on a terminal. */
static void complain_list(const char *file, int line, const char *format,
			  va_list args)
{
	char place[512], text[512];

	snprintf(place, sizeof(place), "%s", file);
	vsnprintf(text, sizeof(text), format, args);
	make_printable(place);
	make_printable(text);
	fprintf(reader.cli->err, "queztl: %s:%d: %s\n", place, line, text);
	reader.errors++;
}

__attribute__((format(printf, 3, 4)))
static void complain(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_list(file, line, format, args);
	va_end(args);
}

static void complain_parser(cfg_t *cfg, const char *format, va_list args)
{
	complain_list(cfg->filename ? cfg->filename : "-", cfg->line, format,
		      args);
}

static int setting_of(enum object_kind kind, const char *name)
{
	for (int s = 0; s < SETTING_COUNT; s++)
		if (settings[s].kind == kind && !strcmp(settings[s].name, name))
			return s;
	return -1;
}

/* The value, or one of a list. What is wrong is said, and the reading goes on. */
static char *check_value(cfg_t *cfg, const char *name, const char *value)
{
	enum object_kind kind = strcmp(cfg->name, "fabric") ? PORT : FABRIC;
	int setting = setting_of(kind, name);
	char *canonical;

	if (setting < 0) {		/* trunk or native */
		canonical = make_vlan_ids(value, NULL);
		setting = VLAN;
	} else {
		canonical = make_canonical(setting, value);
	}
	if (!canonical)
		complain(cfg->filename, cfg->line, "invalid %s '%s': use %s",
			 name, value, strcmp(name, TRUNK) ?
			 describe_values(setting) :
			 "VLANs such as \"10,20-29\", of 1 to 4094");
	return canonical;
}

static int take_option(cfg_t *cfg, cfg_opt_t *opt, const char *value,
		       void *result)
{
	char *checked = check_value(cfg, opt->name, value);

	/* The VLANs are put together when all are known. */
	if (checked && (!strcmp(opt->name, TRUNK) || !strcmp(opt->name, NATIVE))) {
		free(checked);
		checked = strdup(value);
	}
	*(void **)result = checked;
	return 0;
}

#define VALUE(name)	CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, take_option, free)
#define LIST(name)	CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, take_option, free)

static cfg_opt_t fabric_options[] = {
	VALUE("mode"), VALUE("reserved"),
	CFG_END()
};

static cfg_opt_t port_options[] = {
	VALUE("fabric"), VALUE("mac"), VALUE("mtu"), VALUE("pairs"),
	VALUE("migratable"), VALUE("for"), VALUE("owner"), VALUE("rate"), VALUE("pps"), VALUE("flood"),
	VALUE("link"), VALUE("vlan"), LIST(TRUNK), VALUE(NATIVE), LIST("macs"),
	VALUE("uplink"), VALUE("mirror"), LIST("addresses"), LIST("peers"),
	CFG_END()
};

static cfg_opt_t options[] = {
	CFG_SEC("fabric", fabric_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("port", port_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

/* The values of a list in one text, or the only value; NULL if there is none. */
static char *join(cfg_t *section, const char *name, char separator)
{
	cfg_opt_t *option = cfg_getopt(section, name);
	unsigned int n = option ? cfg_opt_size(option) : 0;
	char *text = NULL;
	size_t size = 0;

	for (unsigned int i = 0; i < n; i++) {
		const char *value = cfg_opt_getnptr(option, i);

		if (!value)
			continue;
		text = grow(text, size + strlen(value) + 2);
		if (size)
			text[size - 1] = separator;
		strcpy(text + size, value);
		size += strlen(value) + 1;
	}
	return text;
}

static void take_vlan(struct object *object, cfg_t *section)
{
	char *trunk = join(section, TRUNK, ',');
	char *native = join(section, NATIVE, ',');
	char *words;

	if (trunk && object->value[VLAN])
		complain(object->file, object->line,
			 "port %s: a port has one VLAN or is a trunk: use 'vlan' or 'trunk'",
			 object->name);
	if (native && !trunk)
		complain(object->file, object->line,
			 "port %s: 'native' is of a trunk: give 'trunk' and its VLANs, too",
			 object->name);
	words = trunk ? make_vlan_ids(trunk, native) : NULL;
	if (words)
		set_value(object, VLAN, words);
	free(words);
	free(native);
	free(trunk);
}

static void check_macs(const struct object *object)
{
	const char *macs = object->value[MACS];

	if (macs && strchr(macs, ',') &&
	    (strstr(macs, "any") || strstr(macs, "none")))
		complain(object->file, object->line,
			 "port %s: 'any' and 'none' stand alone in 'macs'",
			 object->name);
}

static void take_section(struct config *config, enum object_kind kind,
			 cfg_t *section)
{
	const char *name = cfg_title(section);
	struct object *object = find_object(config, kind, name);

	if (object) {
		complain(section->filename, section->line,
			 "%s %s is in %s already, up to line %d",
			 kind_name(kind), name, object->file, object->line);
		return;
	}
	if (!is_port_name(name))
		complain(section->filename, section->line,
			 "invalid %s name '%s': use letters, digits, - _ . (at most %d, starting with a letter or digit)",
			 kind_name(kind), name, QUEZTL_NAME_MAX - 1);
	object = add_object(config, kind, name);
	object->file = strdup(section->filename);
	object->line = section->line;
	if (!object->file)
		out_of_memory();
	for (int s = 0; s < SETTING_COUNT; s++)
		if (settings[s].kind == kind)
			object->value[s] = join(section, settings[s].name,
						s == MACS ? ',' : ' ');
	if (kind == PORT)
		take_vlan(object, section);
	check_macs(object);
}

static void take_file(struct config *config, cfg_t *cfg)
{
	for (unsigned int i = 0; i < cfg_size(cfg, "fabric"); i++)
		take_section(config, FABRIC, cfg_getnsec(cfg, "fabric", i));
	for (unsigned int i = 0; i < cfg_size(cfg, "port"); i++)
		take_section(config, PORT, cfg_getnsec(cfg, "port", i));
}

static const char *describe_path(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

typedef FILE *open_fn(struct cli *cli, const char *path);

static char *read_text(FILE *file, const char *path)
{
	struct text_fault fault;
	char *text = read_config_text(file, &fault);
	int error = ferror(file) ? errno : 0;

	if (error) {
		fail_errno(reader.cli, -error, "cannot read %s", path);
		reader.errors++;
		free(text);
		return NULL;
	}
	if (fault.what)
		complain(describe_path(path), fault.line, "%s", fault.what);
	return text;
}

static char *open_text(const char *path, open_fn *open_file)
{
	FILE *file = open_file(reader.cli, path);
	char *text;

	if (!file) {
		reader.errors++;
		return NULL;
	}
	text = read_text(file, path);
	if (file != stdin)
		fclose(file);
	return text;
}

/* Not by cfg_parse_buf(), which gives the text a name of its own. */
static int parse(cfg_t *cfg, char *text)
{
	FILE *file;
	int ret;

	if (!*text)
		return CFG_SUCCESS;
	file = fmemopen(text, strlen(text), "r");
	if (!file)
		out_of_memory();
	ret = cfg_parse_fp(cfg, file);
	fclose(file);
	return ret;
}

static void read_file(struct config *config, const char *path,
		      open_fn *open_file)
{
	char *text = open_text(path, open_file);
	cfg_t *cfg;

	if (!text)
		return;
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		out_of_memory();
	cfg_set_error_function(cfg, complain_parser);
	cfg->filename = strdup(describe_path(path));
	if (!parse(cfg, text))
		take_file(config, cfg);
	cfg_free(cfg);
	free(text);
}

static void check_name(const struct config *config, const struct object *port,
		       enum setting_index setting, enum object_kind kind,
		       const char *name)
{
	if (!find_object(config, kind, name))
		complain(port->file, port->line,
			 "port %s: %s '%s' is in none of the files",
			 port->name, settings[setting].name, name);
	else if (kind == PORT && !strcmp(port->name, name))
		complain(port->file, port->line,
			 "port %s: '%s' names the port itself", port->name,
			 settings[setting].name);
}

static void check_port(const struct config *config, const struct object *port)
{
	const char *fabric = port->value[OF_FABRIC];
	const char *mirror = port->value[MIRROR];
	char *copy = strdup(value_of(port, PEERS)), *rest = copy, *word;

	if (!fabric)
		complain(port->file, port->line, "port %s: 'fabric' is missing",
			 port->name);
	else
		check_name(config, port, OF_FABRIC, FABRIC, fabric);
	if (mirror && strcmp(mirror, "none"))
		check_name(config, port, MIRROR, PORT, mirror);
	while (copy && (word = strsep(&rest, " ")))
		if (*word)
			check_name(config, port, PEERS, PORT, word);
	free(copy);
}

static void read_files(struct config *config, size_t count, char **files,
		       open_fn *open_file)
{
	for (size_t i = 0; i < count; i++)
		read_file(config, files[i], open_file);
	for (size_t i = 0; i < config->count; i++)
		if (config->objects[i].kind == PORT && !reader.errors)
			check_port(config, &config->objects[i]);
}

static void read_found(struct config *config)
{
	glob_t found = { 0 };

	if (find_config_files(reader.cli, &found))
		reader.errors++;
	else
		read_files(config, found.gl_pathc, found.gl_pathv,
			   open_found_config);
	globfree(&found);
}

int read_config_files(struct cli *cli, int count, char **files,
		      struct config *config)
{
	reader.cli = cli;
	reader.errors = 0;
	if (count)
		read_files(config, count, files, open_named_config);
	else
		read_found(config);
	if (reader.errors)
		return EXIT_FAILED;
	complete_config(config);
	sort_config(config);
	return EXIT_OK;
}
