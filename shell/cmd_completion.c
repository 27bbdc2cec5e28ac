// SPDX-License-Identifier: Apache-2.0
/* completion, and what its scripts call: complete. Commands and options are in the script, made
 * of the table; the rest is asked for. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/complete.h"
#include "shell/wire.h"

#include <string.h>

int cmd_complete(struct request *rq, struct sn_err *err)
{
	const char *last = rq->word_count ? rq->words[rq->word_count - 1] : "";
	struct complete complete;
	json_t *words = json_array();

	(void)err;
	complete_words(&complete, rq->shell, rq->words);
	for (size_t i = 0; i < complete.count; i++) {
		sn_auto_free char *word =
			sn_asprintf("%.*s%s", (int)complete.head, last, complete.words[i]);

		json_array_append_new(words, json_string(word));
	}
	rq->result =
		json_pack("{s:o, s:b}", "words", words, "files", complete.files != COMPLETE_NONE);
	complete_release(&complete);
	return 0;
}

void render_complete(FILE *out, const struct request *rq)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(rq->result, "words"), i, word)
		fprintf(out, "%s\n", json_string_value(word));
}

static bool is_listed(const struct command *c)
{
	return !(c->flags & (COMMAND_HIDDEN | COMMAND_SHELL));
}

static void put_options(FILE *out, const struct command_option *o)
{
	for (; o->name && o->help; o++)
		fprintf(out, " --%s", o->name);
}

static void put_bash(FILE *out)
{
	fputs("# Completes command lines of snapsh in bash: . <(snapsh completion bash)\n"
	      "_snapsh()\n"
	      "{\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} words last at=1 options= head i\n"
	      "\tlocal open= quoted\n"
	      "\t# a quote that is open: all behind it is one word\n"
	      "\tfor ((i = 0; i < ${#line}; i++)); do\n"
	      "\t\tcase $open${line:i:1} in\n"
	      "\t\t\\' | \\\") open=${line:i:1} quoted=$i ;;\n"
	      "\t\t\\'\\' | \\\"\\\") open= ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\t[[ $open ]] && last=${line:quoted+1} line=${line:0:quoted}\n"
	      "\tread -ra words <<<\"$line\"\n"
	      "\t[[ $line == *[[:blank:]] ]] && words+=('')\n"
	      "\t[[ $open ]] && words[-1]+=$last\n"
	      "\tlast=${words[-1]}\n"
	      "\twhile [[ ${words[at]} == -* ]]; do\n"
	      "\t\tcase ${words[at]} in -C | --catalog) at=$((at + 1)) ;; esac\n"
	      "\t\tat=$((at + 1))\n"
	      "\tdone\n"
	      "\tcase ${words[at]} in\n",
	      out);
	for (const struct command *c = command_table(); c->name; c++) {
		if (!is_listed(c))
			continue;
		fprintf(out, "\t%s) options='", c->name);
		if (c->options)
			put_options(out, c->options);
		put_options(out, common_options);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n"
	      "\tif ((at >= ${#words[@]} - 1)) && [[ $last != -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W '",
	      out);
	for (const struct command *c = command_table(); c->name; c++) {
		if (is_listed(c))
			fprintf(out, "%s ", c->name);
	}
	fputs("' -- \"$last\"))\n"
	      "\telif [[ $last == -* && $last != *=* && $options ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$last\"))\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < \\\n"
	      "\t\t\t<(\"${words[0]}\" complete -- \"${words[@]:1}\" 2>/dev/null)\n"
	      "\tfi\n"
	      "\t# what bash takes for a word of its own is not said again\n"
	      "\t[[ $open ]] || head=${last%\"${last##*[\"$COMP_WORDBREAKS\"]}\"}\n"
	      "\tfor i in \"${!COMPREPLY[@]}\"; do\n"
	      "\t\tCOMPREPLY[i]=${COMPREPLY[i]#\"$head\"}\n"
	      "\tdone\n"
	      "\tif ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *@ ]]; then\n"
	      "\t\tcompopt -o nospace\n"
	      "\tfi\n"
	      "}\n"
	      "complete -o bashdefault -o default -F _snapsh snapsh\n",
	      out);
}

/* As it stands between '...' in zsh, for _describe: "name:text". */
static void put_described(FILE *out, const char *prefix, const char *name, const char *help)
{
	fprintf(out, " '%s%s:", prefix, name);
	for (; *help; help++) {
		if (*help == '\'')
			fputs("'\\''", out);
		else
			fputc(*help, out);
	}
	fputc('\'', out);
}

static void put_described_options(FILE *out, const struct command_option *o)
{
	for (; o && o->name && o->help; o++)
		put_described(out, "--", o->name, o->help);
}

static void put_zsh(FILE *out)
{
	fputs("#compdef snapsh\n"
	      "# Completes command lines of snapsh in zsh: _snapsh in a directory of $fpath,\n"
	      "# or . <(snapsh completion zsh) behind compinit\n"
	      "_snapsh()\n"
	      "{\n"
	      "\tlocal at=2 last=$words[CURRENT]\n"
	      "\tlocal -a commands options found open closed\n"
	      "\twhile [[ $words[at] == -* && $at -lt $CURRENT ]]; do\n"
	      "\t\t[[ $words[at] == (-C|--catalog) ]] && (( at++ ))\n"
	      "\t\t(( at++ ))\n"
	      "\tdone\n"
	      "\tcase $words[at] in\n",
	      out);
	for (const struct command *c = command_table(); c->name; c++) {
		if (!is_listed(c))
			continue;
		fprintf(out, "\t(%s) options=(", c->name);
		put_described_options(out, c->options);
		put_described_options(out, common_options);
		fputs(") ;;\n", out);
	}
	fputs("\tesac\n"
	      "\tcommands=(",
	      out);
	for (const struct command *c = command_table(); c->name; c++) {
		if (is_listed(c))
			put_described(out, "", c->name, c->help);
	}
	fputs(")\n"
	      "\tif (( at >= CURRENT )) && [[ $last != -* ]]; then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $last == -* && $last != *=* && -n $options ]]; then\n"
	      "\t\t_describe option options\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tfound=(${(f)\"$($words[1] complete -- \"${(@Q)words[2,CURRENT-1]}\" "
	      "\"${last#[\\'\\\"]}\" "
	      "2>/dev/null)\"})\n"
	      "\topen=(${(M)found:#*@}) closed=(${found:#*@})\n"
	      "\t(( $#open )) && compadd -S '' -a open\n"
	      "\t(( $#closed )) && compadd -a closed\n"
	      "\t(( $#found )) || _files\n"
	      "}\n"
	      "if [[ $funcstack[1] == _snapsh ]]; then\n"
	      "\t_snapsh \"$@\"\n"
	      "else\n"
	      "\tcompdef _snapsh snapsh\n"
	      "fi\n",
	      out);
}

int cmd_completion(struct request *rq, struct sn_err *err)
{
	bool bash = strcmp(rq->words[0], "bash") == 0;
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out;

	if (!bash && strcmp(rq->words[0], "zsh") != 0)
		return request_usage(rq, err, "completion: \"%s\" is neither bash nor zsh",
				     rq->words[0]);
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	if (bash)
		put_bash(out);
	else
		put_zsh(out);
	fclose(out);
	rq->result = json_pack("{s:s}", "text", text);
	return 0;
}
