// SPDX-License-Identifier: Apache-2.0
// Whose fault an error of PostgreSQL is. Source: PostgreSQL, "Appendix A. PostgreSQL Error Codes".
#pragma once

enum sql_fault {
    FAULT_EVENT,    // the function's, for this event: it will most likely fail again
    FAULT_NOBODY,   // two transactions were in each other's way: try again at once
    FAULT_DATABASE, // the database is not able to: no memory, no space, somewhere else cannot be reached
    FAULT_STANDBY,  // the connection is of no use, if the server has become read-only; else the event's
};

enum sql_fault sql_fault_of(const char *sqlstate);
