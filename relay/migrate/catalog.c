// SPDX-License-Identifier: Apache-2.0
// The program's own migrations; see catalog.h.
#include "migrate/catalog.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

// Right in it, not deeper.
static bool is_in(const struct embedded_file *file, const char *folder) {
    return starts_with(file->name, folder) && strchr(file->name + strlen(folder), '/') == NULL;
}

static bool belongs_to(const struct embedded_file *file, const struct schema *schema) {
    return is_in(file, schema->migrations_folder) || is_in(file, schema->sql_folder);
}

bool catalog_is_sql(const struct catalog *catalog, const struct embedded_file *file) {
    return is_in(file, catalog->schema->sql_folder);
}

int catalog_newest(const struct catalog *catalog) {
    return catalog->count;
}

static bool fail_checksum(struct error *error) {
    return error_set(error, ERROR_INTERNAL,
                     "OpenSSL cannot compute SHA-256; check its configuration (OPENSSL_CONF)");
}

static bool finish_checksum(EVP_MD_CTX *context, char checksum[CHECKSUM_SIZE]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(context, digest, &length) != 1 || length != (CHECKSUM_SIZE - 1) / 2) {
        return false;
    }
    for (unsigned int index = 0; index < length; index++) {
        (void)snprintf(checksum + (size_t)index * 2, 3, "%02x", digest[index]);
    }
    return true;
}

static bool checksum_text(const char *text, char checksum[CHECKSUM_SIZE]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, text, strlen(text)) == 1 && finish_checksum(context, checksum);
    EVP_MD_CTX_free(context);
    return done;
}

// Over names too, each text with its zero byte, so that moving a line from one file to the next is a change.
static bool checksum_sql(const struct catalog *catalog, char checksum[CHECKSUM_SIZE]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (const struct embedded_file *file = catalog->files; done && file->name != NULL; file++) {
        if (catalog_is_sql(catalog, file)) {
            done = EVP_DigestUpdate(context, file->name, strlen(file->name) + 1) == 1 &&
                   EVP_DigestUpdate(context, file->text, strlen(file->text) + 1) == 1;
        }
    }
    done = done && finish_checksum(context, checksum);
    EVP_MD_CTX_free(context);
    return done;
}

// The version of a file in the schema's folder of migrations, "NNNN_name...", or 0.
static int version_of(const struct embedded_file *file, const struct schema *schema) {
    if (!is_in(file, schema->migrations_folder)) {
        return 0;
    }
    const char *digits = file->name + strlen(schema->migrations_folder);
    int version = 0;
    for (int index = 0; index < 4; index++) {
        if (digits[index] < '0' || digits[index] > '9') {
            return 0;
        }
        version = version * 10 + (digits[index] - '0');
    }
    return digits[4] == '_' ? version : 0;
}

static struct migration *migration_of(struct catalog *catalog, int version) {
    if (version < 1 || version > CATALOG_MAX || version > catalog->count + 1) {
        return NULL;
    }
    if (version > catalog->count) {
        catalog->migrations[catalog->count++] = (struct migration){.version = version};
    }
    return &catalog->migrations[version - 1];
}

static bool add(struct catalog *catalog, const struct embedded_file *file, struct error *error) {
    struct migration *migration = migration_of(catalog, version_of(file, catalog->schema));
    if (migration != NULL && ends_with(file->name, ".down.sql") && migration->down == NULL) {
        migration->down = file;
        return true;
    }
    if (migration != NULL && ends_with(file->name, ".up.sql") && migration->up == NULL) {
        migration->up = file;
        return checksum_text(file->text, migration->checksum) || fail_checksum(error);
    }
    return error_set(error, ERROR_INTERNAL,
                     "%s was built into this program, but is no migration: the name must be "
                     "%sNNNN_name.up.sql or .down.sql, numbered from 0001 without a gap",
                     file->name, catalog->schema->migrations_folder);
}

// Not so a file of no schema: it would never be applied, so it is refused like a misnamed migration.
static bool is_of_another(const struct catalog *catalog, const struct embedded_file *file) {
    return !belongs_to(file, catalog->schema) &&
           (belongs_to(file, &schema_outbox) || belongs_to(file, &schema_inbox));
}

bool catalog_load(struct catalog *catalog, const struct schema *schema, const struct embedded_file *files,
                  struct error *error) {
    memset(catalog, 0, sizeof *catalog);
    catalog->schema = schema;
    catalog->files = files;
    for (const struct embedded_file *file = files; file->name != NULL; file++) {
        if (!catalog_is_sql(catalog, file) && !is_of_another(catalog, file) && !add(catalog, file, error)) {
            return false;
        }
    }
    for (int index = 0; index < catalog->count; index++) {
        if (catalog->migrations[index].up == NULL) {
            return error_set(error, ERROR_INTERNAL, "%s was built into this program without its .up.sql",
                             catalog->migrations[index].down->name);
        }
    }
    return checksum_sql(catalog, catalog->sql_checksum) || fail_checksum(error);
}
