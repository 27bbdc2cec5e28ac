// SPDX-License-Identifier: Apache-2.0
/* info source: the file that a frame is in, and how it was compiled. */
#include "snap/inspect/internal.h"

#include <dwarf.h>

const char *unit_language(Dwarf_Die *cu)
{
	switch (dwarf_srclang(cu)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
		return "c";
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return "c++";
	case DW_LANG_Mips_Assembler:
		return "asm";
	case DW_LANG_Rust:
		return "rust";
	case DW_LANG_Go:
		return "go";
	default:
		return "minimal";
	}
}

static void print_place(FILE *out, const char *dir, const char *file)
{
	sn_auto_free char *path = file[0] == '/' || !dir ? sn_strdup(file)
							 : sn_asprintf("%s/%s", dir, file);
	sn_auto_free char *real = realpath(path, NULL);
	sn_auto_file FILE *source = real ? source_open(real) : NULL;
	size_t lines = 0;
	int c, last = '\n';

	if (!source)
		return;
	while ((c = getc_unlocked(source)) != EOF) {
		lines += c == '\n';
		last = c;
	}
	lines += last != '\n';
	fprintf(out, "Located in %s\nContains %zu line%s.\n", real, lines, lines == 1 ? "" : "s");
}

static const char *string_of(Dwarf_Die *cu, unsigned name)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr(cu, name, &attr));
}

static void print_unit(FILE *out, Dwarf_Die *cu, const char *file)
{
	const char *dir = string_of(cu, DW_AT_comp_dir), *by = string_of(cu, DW_AT_producer);
	Dwarf_Half version = 0;
	uint8_t type;

	fprintf(out, "Current source file is %s\n", file);
	if (dir)
		fprintf(out, "Compilation directory is %s\n", dir);
	print_place(out, dir, file);
	fprintf(out, "Source language is %s.\n", unit_language(cu));
	if (by)
		fprintf(out, "Producer is %s.\n", by);
	if (dwarf_cu_info(cu->cu, &version, &type, NULL, NULL, NULL, NULL, NULL) == 0)
		fprintf(out, "Compiled with DWARF %u debugging format.\n", version);
	fprintf(out, "%s preprocessor macro info.\n",
		dwarf_hasattr(cu, DW_AT_macros) || dwarf_hasattr(cu, DW_AT_macro_info)
			? "Includes"
			: "Does not include");
}

int inspect_source_file(struct inspect *in, struct spot spot, char **text, struct sn_err *err)
{
	const struct frame *frame = frames_at(in, spot, err);
	const char *file;
	uint64_t start;
	Dwarf_Die cu;
	size_t len;
	FILE *out;
	int line;

	if (!frame)
		return -1;
	*text = NULL;
	out = open_memstream(text, &len);
	if (!out)
		abort();
	cu = frame->cu;
	if (frame->has_cu && frame_line(in, frame, &file, &line, &start))
		print_unit(out, &cu, file);
	else
		fputs("No current source file.\n", out);
	fclose(out);
	return 0;
}
