// SPDX-License-Identifier: Apache-2.0
#include "support/settings_fill.h"

#include "settings/options.h"

void settings_fill(struct settings *settings) {
    static char none[] = "";
    for (int index = 0; index < OPTION_COUNT; index++) {
        void *member = (char *)settings + options[index].offset;
        char **text = member;
        int64_t *number = member;
        if (options[index].kind == OPTION_TEXT) {
            *text = *text == NULL ? none : *text;
        } else if (options[index].fallback[0] == '\0' && *number == 0) {
            *number = SETTING_UNSET;
        }
    }
}
