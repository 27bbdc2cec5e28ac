// SPDX-License-Identifier: Apache-2.0
/* The generic differ's differences, sorted into sections and named for people. */
#include "snap/diff.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/diff.h"
#include "proto/field.h"
#include "proto/print.h"

enum { FILE_COLUMNS = 80 };

struct listing {
	const Sn__Image *from, *to;
	bool moved;
	struct structure_change *list;
	size_t count;
};

const char *diff_section_name(enum diff_section section)
{
	static const char *const names[] = {
		[DIFF_TREE] = "tree",
		[DIFF_THREADS] = "threads",
		[DIFF_STACKS] = "stacks",
		[DIFF_VARIABLES] = "variables",
		[DIFF_MEMORY] = "memory",
		[DIFF_MAPPINGS] = "mappings",
		[DIFF_DESCRIPTORS] = "descriptors",
		[DIFF_FILES] = "files",
		[DIFF_SIGNALS] = "signals",
		[DIFF_TIMERS] = "timers",
		[DIFF_CREDENTIALS] = "credentials",
		[DIFF_SETTINGS] = "settings",
	};

	return names[section];
}

void structure_changes_free(struct structure_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].from);
		free(list[i].to);
	}
	free(list);
}

/* All three are taken. */
static void add(struct listing *listing, enum diff_section section, char *name, char *from,
		char *to)
{
	listing->list = sn_realloc(listing->list, listing->count + 1, sizeof(*listing->list));
	listing->list[listing->count++] = (struct structure_change){section, name, from, to};
}

static char *copy(const char *text)
{
	return text ? sn_strdup(text) : NULL;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && strcmp(text + len - tail, with) == 0;
}

/* ---- open files in words ---- */

static const Sn__OpenFile *file_by_id(const Sn__Image *image, uint32_t id)
{
	for (size_t i = 0; i < image->n_files; i++) {
		if (image->files[i]->id == id)
			return image->files[i];
	}
	return NULL;
}

/* "regular /tmp/log", "pipe pipe_id 17, size_bytes 65536"; malloc'd. */
static char *file_words(const Sn__Image *image, uint32_t id)
{
	const Sn__OpenFile *file = file_by_id(image, id);
	const ProtobufCFieldDescriptor *field, *path;
	const ProtobufCMessage *object;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!file || file->object_case == SN__OPEN_FILE__OBJECT__NOT_SET)
		return sn_strdup("?");
	field = protobuf_c_message_descriptor_get_field(file->base.descriptor,
							(unsigned)file->object_case);
	object = field_message(field_at(&file->base, field, 0));
	path = protobuf_c_message_descriptor_get_field_by_name(object->descriptor, "path");
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	fprintf(out, "%s ", field->name);
	if (path)
		field_print(out, path, field_at(object, path, 0));
	else
		message_print_line(out, object, FILE_COLUMNS);
	fclose(out);
	return text;
}

/* "fd 3": the first that refers to it; NULL: none does. */
static char *fd_of_file(const Sn__Image *image, uint32_t id)
{
	const Sn__Task *task = image->tasks[0];

	for (size_t i = 0; i < task->n_descriptors; i++) {
		if (task->descriptors[i]->file_id == id)
			return sn_asprintf("fd %u", task->descriptors[i]->fd);
	}
	return NULL;
}

static const Sn__Descriptor *descriptor_of(const Sn__Image *image, uint32_t fd)
{
	for (size_t i = 0; i < image->tasks[0]->n_descriptors; i++) {
		if (image->tasks[0]->descriptors[i]->fd == fd)
			return image->tasks[0]->descriptors[i];
	}
	return NULL;
}

/* ---- of the image ---- */

/* files[3].regular.pos_bytes: of one that came or went its descriptor tells. */
static void add_file(struct listing *listing, const struct diff_entry *entry)
{
	const char *behind = strchr(entry->path, '.');
	uint32_t id = (uint32_t)strtoul(entry->path + strlen("files["), NULL, 10);
	sn_auto_free char *fd = fd_of_file(listing->from, id), *words = NULL;
	bool timer = behind && begins(behind, ".timerfd");

	if (!fd)
		fd = fd_of_file(listing->to, id);
	if (!behind && fd)
		return;
	words = file_words(file_by_id(listing->from, id) ? listing->from : listing->to, id);
	words[strcspn(words, ",")] = '\0';
	add(listing, timer ? DIFF_TIMERS : DIFF_FILES,
	    sn_asprintf("%s (%s)%s%s", fd ? fd : "file", words, behind ? ": " : "",
			behind ? behind + 1 : ""),
	    copy(entry->have), copy(entry->want));
}

bool diff_is_clock(const char *path)
{
	return strcmp(path, "host.monotonic_ns") == 0 || strcmp(path, "host.boottime_ns") == 0 ||
	       strcmp(path, "host.realtime_ns") == 0;
}

static int image_entry(void *arg, const struct diff_entry *entry)
{
	struct listing *listing = arg;

	if (begins(entry->path, "tasks[") || diff_is_clock(entry->path))
		return 0;
	if (begins(entry->path, "files["))
		add_file(listing, entry);
	else
		add(listing, begins(entry->path, "objects[") ? DIFF_MAPPINGS : DIFF_SETTINGS,
		    sn_strdup(entry->path), copy(entry->have), copy(entry->want));
	return 0;
}

/* ---- of a task ---- */

static void add_descriptor(struct listing *listing, const struct diff_entry *entry)
{
	uint32_t fd = (uint32_t)strtoul(entry->path + strlen("descriptors["), NULL, 10);
	const Sn__Descriptor *from = descriptor_of(listing->from, fd);
	const Sn__Descriptor *to = descriptor_of(listing->to, fd);

	if (ends(entry->path, ".cloexec"))
		add(listing, DIFF_DESCRIPTORS, sn_asprintf("fd %u: cloexec", fd), copy(entry->have),
		    copy(entry->want));
	else
		add(listing, DIFF_DESCRIPTORS, sn_asprintf("fd %u", fd),
		    from ? file_words(listing->from, from->file_id) : NULL,
		    to ? file_words(listing->to, to->file_id) : NULL);
}

static enum diff_section thread_section(const char *field)
{
	static const struct {
		const char *field;
		enum diff_section section;
	} table[] = {
		{"signal_", DIFF_SIGNALS},	   {"alt_stack", DIFF_SIGNALS},
		{"credentials", DIFF_CREDENTIALS}, {"scheduling", DIFF_SETTINGS},
		{"parent_death", DIFF_SETTINGS},   {"processor_control", DIFF_SETTINGS},
	};

	for (size_t i = 0; i < sn_countof(table); i++) {
		if (begins(field, table[i].field))
			return table[i].section;
	}
	return DIFF_THREADS;
}

/* threads[4712].signal_mask. Registers, and threads that came or went, are the compare's. */
static void add_thread(struct listing *listing, const struct diff_entry *entry)
{
	unsigned long tid = strtoul(entry->path + strlen("threads["), NULL, 10);
	const char *behind = strchr(entry->path, ']') + 1;

	if (*behind != '.' || begins(behind, ".registers"))
		return;
	add(listing, thread_section(behind + 1), sn_asprintf("LWP %lu: %s", tid, behind + 1),
	    copy(entry->have), copy(entry->want));
}

/* What the compare tells of mappings better. */
static bool is_told(const char *path)
{
	return !strchr(path, '.') || ends(path, ".start") || ends(path, ".end") ||
	       ends(path, ".prot") || ends(path, ".type") || ends(path, ".path") ||
	       strstr(path, ".file.") || ends(path, ".offset_bytes") || ends(path, ".file");
}

/* signal_actions.actions[10].mask: "SIGUSR1: mask". */
static char *action_name(const char *path)
{
	const char *bracket = strchr(path, '['), *behind = strchr(path, ']');
	const char *abbreviation = bracket ? sigabbrev_np(atoi(bracket + 1)) : NULL;

	if (!abbreviation || !behind)
		return sn_strdup(path);
	return sn_asprintf("SIG%s action%s%s", abbreviation, behind[1] ? ": " : "",
			   behind[1] ? behind + 2 : "");
}

/* limits.limits[7].soft: "limits.nofile.soft". */
static char *limit_name(const char *path)
{
	static const char *const names[] = {"cpu",	"fsize", "data",   "stack",
					    "core",	"rss",	 "nproc",  "nofile",
					    "memlock",	"as",	 "locks",  "sigpending",
					    "msgqueue", "nice",	 "rtprio", "rttime"};
	const char *bracket = strchr(path, '['), *behind = strchr(path, ']');
	size_t number = bracket ? strtoul(bracket + 1, NULL, 10) : sn_countof(names);

	if (number >= sn_countof(names) || !behind)
		return sn_strdup(path);
	return sn_asprintf("limits.%s%s", names[number], behind + 1);
}

static enum diff_section task_section(const char *path)
{
	static const struct {
		const char *begins;
		enum diff_section section;
	} table[] = {
		{"pid", DIFF_TREE},
		{"ppid", DIFF_TREE},
		{"pgid", DIFF_TREE},
		{"sid", DIFF_TREE},
		{"stop_signal", DIFF_TREE},
		{"start_ticks", DIFF_TREE},
		{"address_space.exe", DIFF_TREE},
		{"address_space", DIFF_MAPPINGS},
		{"signal_", DIFF_SIGNALS},
		{"interval_timers", DIFF_TIMERS},
		{"posix_timers", DIFF_TIMERS},
	};

	for (size_t i = 0; i < sn_countof(table); i++) {
		if (begins(path, table[i].begins))
			return table[i].section;
	}
	return DIFF_SETTINGS;
}

static char *task_name(const char *path)
{
	if (begins(path, "signal_actions."))
		return action_name(path);
	if (begins(path, "limits."))
		return limit_name(path);
	return sn_strdup(path);
}

static int task_entry(void *arg, const struct diff_entry *entry)
{
	struct listing *listing = arg;
	enum diff_section section = task_section(entry->path);

	if (begins(entry->path, "descriptors[")) {
		add_descriptor(listing, entry);
	} else if (begins(entry->path, "threads[")) {
		if (!listing->moved)
			add_thread(listing, entry);
	} else if (begins(entry->path, "mappings[")) {
		if (!listing->moved && !is_told(entry->path))
			add(listing, DIFF_MAPPINGS, sn_strdup(entry->path), copy(entry->have),
			    copy(entry->want));
	} else if (!listing->moved || section != DIFF_MAPPINGS) {
		add(listing, section, task_name(entry->path), copy(entry->have), copy(entry->want));
	}
	return 0;
}

void diff_structure(const Sn__Image *from, const Sn__Image *to, bool moved,
		    struct structure_change **list, size_t *count)
{
	struct listing listing = {.from = from, .to = to, .moved = moved};

	if (from->n_tasks && to->n_tasks)
		message_diff(&from->tasks[0]->base, &to->tasks[0]->base, task_entry, &listing);
	message_diff(&from->base, &to->base, image_entry, &listing);
	*list = listing.list;
	*count = listing.count;
}
