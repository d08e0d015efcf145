/* fuzz_jsontext.c: any bytes as JSON: values and faults lie in the text, and strings are never longer than they are written. */
#include "base/error.h"
#include "records/jsontext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    view text = view_of((const char *)data, size), raw, meant;
    jsontext_cursor c = jsontext_cursor_of(text);
    enum jsontext_kind kind;
    buf room = BUF_INIT;
    size_t bytes = 0;
    if (jsontext_object_bytes(text, &bytes)) CHECK(bytes > 0 && bytes <= size);
    int r = jsontext_skip(&c, &raw);
    CHECK(c.p <= c.end && (r < 0) == (c.fault != NULL));
    if (r == 0) CHECK(raw.p >= text.p && raw.p + raw.n == c.p);
    else CHECK(c.fault_at >= text.p && c.fault_at <= c.end);
    c = jsontext_cursor_of(text);
    if (jsontext_peek(&c) == JSON_STRING && jsontext_scalar(&c, &kind, &raw) == 0 && jsontext_string(raw, &room, &meant, NULL) == 0)
        CHECK(meant.n <= raw.n && view_is_utf8(meant));
    buf_release(&room);
    return 0;
}
