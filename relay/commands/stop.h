// SPDX-License-Identifier: Apache-2.0
// The end that a second signal asks for.
#pragma once

// stop_at_once ends the program, and with it the programs that it has started: nobody would watch over those
// any more, while what they were started for is done again elsewhere.
_Noreturn void stop_at_once(int signal_number);
