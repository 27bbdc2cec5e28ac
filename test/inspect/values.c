// SPDX-License-Identifier: Apache-2.0
// Values of every shape that C has, global and local, to be printed.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum color { RED, GREEN = 5, BLUE };
enum flag { FLAG_A = 1, FLAG_B = 2, FLAG_C = 4 };
enum wide_flag { WIDE_A = 1, FLAG_MANY = 0x30 };
enum zeroed { NONE, ONE, TWO, FOUR = 4 };
enum negative { MINUS = -3, ZERO, PLUS };

struct bits {
	unsigned one : 1;
	int three : 3;
	unsigned long wide : 40;
	enum color color : 4;
	unsigned : 0;
	bool yes : 1;
	uint8_t eight : 8;
};

union number {
	int i;
	float f;
	unsigned char bytes[8];
};

typedef int (*operation)(int, const char *);
typedef struct point {
	double x, y;
} point_t;

struct node {
	struct node *next;
	const char *name;
	char tag[8];
	point_t at;
	union number number;
	operation apply;
	struct {
		int inner;
		union {
			int left;
			short right;
		};
	} anonymous;
	enum color color;
	void *opaque;
	struct hidden *hidden;
};

static int apply_one(int n, const char *text)
{
	return n + (int)strlen(text);
}

struct node tail = {NULL,      "tail",   "tail", {1.5, -2.25}, {7},
		    apply_one, {1, {2}}, BLUE,	 &tail,	       NULL};
struct node head = {&tail,   "head \"quoted\"\n", "12345678", {0.1, 1e100}, {.f = 0.5f},
		    apply_one, {3, {-1}},	   GREEN,      NULL,	     NULL};
struct bits bits = {1, -2, 0x123456789aUL, BLUE, true, 200};
enum flag no_flags, two_flags = FLAG_A | FLAG_C, odd_flags = (enum flag)(FLAG_B | 8);
enum wide_flag many_flags = (enum wide_flag)(FLAG_MANY | WIDE_A);
enum zeroed three = (enum zeroed)3, none;
enum color wrong_color = (enum color)17;
enum negative negative = MINUS;
int numbers[20] = {1, 2, 3};
int repeated[30] = {[3 ... 14] = 7, [15] = 1};
int nine[9], ten[10], eleven[11];
int matrix[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
int many[300];
short a_byte_of_bound[256], half_of_it[200];
char text[32] = "some text";
char full[4] = {'f', 'u', 'l', 'l'};
char spaced[24] = "a\0b\001c\0339";
char run[40] = "abaaaaaaaaaaaaaaaab";
char long_text[300];
const char *long_string = long_text;
unsigned char raw[4] = {0, 1, 128, 255};
int8_t small = -5;
uint8_t letter = 'A';
char newline = '\n', quote = '\'', high = (char)200;
bool truth = true, lie;
short short_value = -12345;
long long huge = -1234567890123456789LL;
unsigned long long unsigned_huge = 18446744073709551615ULL;
float single = 3.14159f;
double precise = 2.718281828459045, tiny = 1e-300, whole = 100000, million = 1e16;
long double extended = 1.1L;
double infinite = 1.0 / 0.0, undefined = 0.0 / 0.0;
__int128 wide = (__int128)1 << 100;
struct node *pointer = &head;
struct node **twice = &pointer;
int *middle = &numbers[2];
void *anything = &head;
void *nothing;
operation function = apply_one;
operation *table[2];
const char *const constant = "constant";
const char *strings[3] = {"one", NULL, "three"};
const volatile int guarded = 42;
struct {
	int a;
	char b;
} unnamed = {1, 'b'};
struct empty {
} empty;
struct list {
	int count;
	int items[];
} *list;
static int hidden_static = 99;
int (*grid)[4] = matrix;
int vector __attribute__((vector_size(16))) = {1, 2, 3, 4};
extern int outside;
int outside = 8;

static int __attribute__((noinline)) stop(int depth, struct node *node, struct bits by_value)
{
	static int calls = 3;
	int local = depth * 2;
	int array[3] = {depth, local, calls};
	int variable[depth + 1];
	char *word = text;
	struct node *cursor = node;
	register int kept asm("rbx") = 77;

	for (int i = 0; i <= depth; i++)
		variable[i] = i * i;
	asm volatile("" : "+r"(kept));
	calls++;
	{
		int local_inner = 5;
		point_t where = {local_inner, kept};

		puts("ready");
		fflush(stdout);
		for (;;)
			pause();
		printf("%d %f %s\n", variable[0] + array[1] + by_value.three, where.x, word);
	}
	return cursor->number.i;
}

int main(void)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[5] = 'y';
	for (int i = 0; i < 300; i++)
		many[i] = i;
	list = malloc(sizeof(*list) + 3 * sizeof(int));
	list->count = 3;
	for (int i = 0; i < 3; i++)
		list->items[i] = 10 * i;
	return stop(4, &head, bits) + hidden_static;
}
