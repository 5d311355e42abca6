// SPDX-License-Identifier: Apache-2.0
// The parser of config files: any bytes are taken, or refused with one line that shows no value.
#include "settings/config_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

static void check(const struct config_file *file) {
    for (int index = 0; index < file->count; index++) {
        const struct config_entry *entry = &file->entries[index];
        const struct config_entry *found = config_file_find(file, entry->name);
        require(entry->name[0] != '\0' && strchr(entry->name, '=') == NULL && entry->line > 0);
        require(found == (entry->value[0] != '\0' ? entry : NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config_file file;
    struct error error = {0};
    if (config_file_parse(&file, "file", (const char *)data, size, &error)) {
        check(&file);
        config_file_free(&file);
    } else {
        require(error.code == ERROR_USAGE && strstr(error.text, "line ") == error.text);
    }
    return 0;
}
