// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@Suite struct JobReferenceTests {
    @Test(
        arguments: [
            ("42", .id(42)), ("42-50", .range(42, 50)), ("42[3]", .element(array: 42, index: 3)),
            ("42_3", .element(array: 42, index: 3)), ("50-42", .name("50-42")), ("2024-run", .name("2024-run")),
            ("+5", .name("+5")), ("sweep", .name("sweep")), ("sweep[3]", .name("sweep[3]")), ("42[]", .name("42[]")),
            ("42[3", .name("42[3")), ("42_", .name("42_")), ("_3", .name("_3")), ("4_2_3", .name("4_2_3")),
            ("", .name("")), ("99999999999999999999", .name("99999999999999999999")),
        ] as [(String, JobReference)])
    func reads(_ word: String, _ reference: JobReference) { #expect(JobReference(word) == reference) }
}
