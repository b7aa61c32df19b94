// SPDX-License-Identifier: Apache-2.0

/// What words for jobs mean, for the help of every verb that takes them; see ``JobReference``.
enum SelectionRule {
    static let text = """
        An id selects its job, and the id of an array all of it; 42[3] or 42_3 is one element of array 42. 42-50 selects the \
        jobs of those ids. A name selects your jobs of that name that have not ended or, if all have, the newest; of an array \
        always all elements.
        """

    /// For verbs that change jobs.
    static let textOfChanges =
        text + " Where a word selects several jobs, those that the verb does not apply to are passed over."
}
