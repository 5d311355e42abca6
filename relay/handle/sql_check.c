// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_check.h"

#include "base/buffer.h"
#include "postgres/array.h"

#include <string.h>

static bool has_problem(const struct sql_check *check) {
    return check->problem.code != ERROR_NONE;
}

static void on_server_row(void *context, const PGresult *result, int row) {
    struct sql_check *check = context;
    const char *role = pg_bytes(result, row, 4).data;
    check->backend_pid = (int)pg_int(result, row, 5);
    if (pg_bool(result, row, 0)) {
        error_set(&check->problem, ERROR_DATABASE,
                  "this PostgreSQL is a read-only standby: connect to the primary, or list all hosts in "
                  "DATABASE_URL with target_session_attrs=read-write");
    } else if (!pg_bool(result, row, 1)) {
        error_set(
            &check->problem, ERROR_SCHEMA,
            "schema inbox, where sql: handlers note what they have handled, is missing in this database: "
            "run \"outbox-relay migrate up --inbox\"");
    } else if (!pg_bool(result, row, 2) || !pg_bool(result, row, 3)) {
        error_set(&check->problem, ERROR_DATABASE,
                  "role \"%s\" may not use schema inbox: GRANT inbox_consumer TO \"%s\"", role, role);
    }
}

// In the order of the columns.
struct function_found {
    bool schema, exists, is_function, schema_right, right;
    const char *others;
    const char *role;
};

static void judge(struct error *problem, const struct sql_function *function,
                  const struct function_found *found) {
    const char *quoted = function->name.quoted;
    if (!found->exists) {
        error_set(
            problem, ERROR_USAGE,
            "handler sql:%s: there is no %s %s in this database%s%s; it should look like CREATE FUNCTION "
            "%s(event jsonb) RETURNS void",
            function->text, found->schema ? "function" : "schema",
            found->schema ? "of that name with one argument of type jsonb" : "of that name",
            found->others != NULL ? ", but " : "", found->others != NULL ? found->others : "", quoted);
    } else if (!found->is_function) {
        error_set(
            problem, ERROR_USAGE,
            "handler sql:%s is not a plain function: make it one, as in CREATE FUNCTION %s(event jsonb) "
            "RETURNS void",
            function->text, quoted);
    } else if (!found->schema_right) {
        error_set(
            problem, ERROR_DATABASE,
            "handler sql:%s: role \"%s\" may not use its schema: GRANT USAGE ON SCHEMA \"%s\" TO \"%s\"",
            function->text, found->role, function->name.schema, found->role);
    } else if (!found->right) {
        error_set(problem, ERROR_DATABASE,
                  "handler sql:%s: role \"%s\" may not execute it: GRANT EXECUTE ON FUNCTION %s(jsonb) TO "
                  "\"%s\"",
                  function->text, found->role, quoted, found->role);
    }
}

static void on_function_row(void *context, const PGresult *result, int row) {
    struct sql_check *check = context;
    int64_t number = pg_int(result, row, 0);
    if (has_problem(check) || number < 1 || number > check->count) {
        return;
    }
    const struct function_found found = {
        .schema = pg_bool(result, row, 1),
        .exists = pg_bool(result, row, 2),
        .is_function = pg_bool(result, row, 3),
        .schema_right = pg_bool(result, row, 4),
        .right = pg_bool(result, row, 5),
        .others = PQgetisnull(result, row, 6) ? NULL : pg_bytes(result, row, 6).data,
        .role = pg_bytes(result, row, 7).data};
    judge(&check->problem, &check->functions[number - 1], &found);
}

static void on_checked(void *context, int64_t rows) {
    (void)rows;
    struct sql_check *check = context;
    check->done(check->context, has_problem(check) ? &check->problem : NULL);
}

// Types by their fixed OIDs (pg_type.dat): text 25, uuid 2950, jsonb 3802.
static const char server_sql[] =
    "SELECT pg_catalog.pg_is_in_recovery(), p.oid IS NOT NULL,"
    " coalesce(pg_catalog.has_schema_privilege(p.pronamespace, 'USAGE')"
    " AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), false),"
    " coalesce((SELECT pg_catalog.has_any_column_privilege(c.oid, 'INSERT') FROM pg_catalog.pg_class AS c"
    " WHERE c.relnamespace = p.pronamespace AND c.relname = 'processed_event'), true),"
    " current_user::text, pg_catalog.pg_backend_pid()"
    " FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_proc AS p ON p.proname = 'first_time'"
    " AND p.proargtypes = '25 2950'::pg_catalog.oidvector AND p.pronamespace ="
    " (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'inbox')";

static const char functions_sql[] =
    "SELECT w.number, n.oid IS NOT NULL, p.oid IS NOT NULL, p.prokind = 'f',"
    " pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_function_privilege(p.oid, 'EXECUTE'),"
    " (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I(%s)', n.nspname, o.proname,"
    " pg_catalog.pg_get_function_identity_arguments(o.oid)), ', ')"
    " FROM pg_catalog.pg_proc AS o WHERE o.pronamespace = n.oid AND o.proname = w.function), "
    "current_user::text"
    " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, function, number)"
    " LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema"
    " LEFT JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = w.function"
    " AND p.proargtypes = '3802'::pg_catalog.oidvector"
    " ORDER BY w.number";

static void append_names(struct buffer *array, const struct sql_check *check, bool schema) {
    buffer_init(array, 64 << 10);
    pg_array_begin(array, PG_ELEMENT_TEXT, check->count);
    for (int index = 0; index < check->count; index++) {
        const struct sql_name *name = &check->functions[index].name;
        pg_array_append_bytes(array, slice_of_text(schema ? name->schema : name->function));
    }
}

void sql_check_start(struct sql_check *check, struct pg_connection *connection) {
    struct buffer schemas;
    struct buffer functions;
    check->problem = (struct error){0};
    append_names(&schemas, check, true);
    append_names(&functions, check, false);
    // For these two only, which share a transaction: what functions of the user's find is the role's affair.
    pg_send(connection,
            &(struct pg_statement){
                .sql = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"});
    pg_send(connection, &(struct pg_statement){.sql = server_sql, .row = on_server_row, .context = check});
    pg_send(connection, &(struct pg_statement){.sql = functions_sql,
                                               .parameter_count = 2,
                                               .parameters = {{schemas.data, (int)schemas.length},
                                                              {functions.data, (int)functions.length}},
                                               .row = on_function_row,
                                               .done = on_checked,
                                               .context = check});
    pg_sync(connection);
    buffer_free(&schemas);
    buffer_free(&functions);
}
