// SPDX-License-Identifier: Apache-2.0

/// `SIGTERM` and its kin, `signal 70` for those without a name.
package func signalName(_ number: Int) -> String {
    let names = [
        1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
        11: "SEGV",
        12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT", 17: "CHLD", 18: "CONT", 19: "STOP", 20: "TSTP",
        21: "TTIN",
        22: "TTOU", 24: "XCPU", 25: "XFSZ", 31: "SYS",
    ]
    return names[number].map { "SIG" + $0 } ?? "signal \(number)"
}
