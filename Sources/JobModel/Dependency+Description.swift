// SPDX-License-Identifier: Apache-2.0

extension Dependency: CustomStringConvertible {
    private static let expected = "expected jobs such as ok:41,any:prepare, where ',' is and, and '?' is or"

    /// Reads `ok:41,any:prepare?failed:7`: a comma is "and", a question mark is "or", as in Slurm; the comma binds closer.
    ///
    /// A bare job means `ok`; a job is written as in ``JobReference``. A backslash takes the next character as it is, for
    /// names that hold one of the marks, or look like an id, a range or an element: `ok:\\41`.
    public init(parsing text: String) throws(QuantityError) {
        var alternatives: [[Term]] = []
        for part in Self.split(Array(text.unicodeScalars)[...], at: "?") {
            var terms: [Term] = []
            for word in Self.split(part, at: ",") { terms.append(try Self.term(word, of: text)) }
            alternatives.append(terms)
        }
        self.init(alternatives)
    }

    /// Cuts at every `mark` that no backslash precedes.
    private static func split(
        _ text: ArraySlice<Unicode.Scalar>, at mark: Unicode.Scalar
    ) -> [ArraySlice<Unicode.Scalar>] {
        var parts: [ArraySlice<Unicode.Scalar>] = []
        var start = text.startIndex
        var isEscaped = false
        for index in text.indices {
            if isEscaped {
                isEscaped = false
            } else if text[index] == "\\" {
                isEscaped = true
            } else if text[index] == mark {
                parts.append(text[start..<index])
                start = index + 1
            }
        }
        return parts + [text[start...]]
    }

    private static func term(_ word: ArraySlice<Unicode.Scalar>, of text: String) throws(QuantityError) -> Term {
        var word = word
        var condition = Condition.ok
        let halves = split(word, at: ":")
        if halves.count > 1 {
            let name = plain(halves[0]) ?? ""
            guard let known = Condition(rawValue: name.trimmingSpaces()) else {
                throw QuantityError(text, "unknown condition '\(name)'; use ok, any or failed")
            }
            condition = known
            // Only the first colon separates.
            word = word[halves[1].startIndex...]
        }
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        word = word.drop(while: isBlank)
        while let last = word.last, isBlank(last), word.dropLast().last != "\\" { word.removeLast() }
        guard let target = plain(word), !target.isEmpty else { throw QuantityError(text, expected) }
        guard !word.contains("\\") else { return Term(condition, .name(target)) }
        let reference = JobReference(target)
        // Too large for a number, it would be a name.
        if reference == .id(0) || target.isDigits && reference == .name(target) {
            throw QuantityError(text, "there is no job \(target)")
        }
        return Term(condition, reference)
    }

    /// The text without its backslashes; `nil` if one stands at the end, before nothing.
    private static func plain(_ text: ArraySlice<Unicode.Scalar>) -> String? {
        var result = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text {
            if scalar == "\\", !isEscaped {
                isEscaped = true
            } else {
                result.append(scalar)
                isEscaped = false
            }
        }
        return isEscaped ? nil : String(result)
    }

    /// The one spelling that ``init(parsing:)`` reads as this: `ok:41,any:prepare?failed:7`.
    public var description: String {
        alternatives.map { terms in terms.map(Self.text).joined(separator: ",") }.joined(separator: "?")
    }

    private static func text(_ term: Term) -> String {
        switch term.target {
        case .id, .range, .element: return "\(term.condition.rawValue):\(term.target)"
        case .name(let name):
            let scalars = Array(name.unicodeScalars)
            let looksLikeAnID = JobReference(name) != .name(name) || name.isDigits
            var text = String.UnicodeScalarView()
            for (index, scalar) in scalars.enumerated() {
                let isMark = scalar == "," || scalar == "?" || scalar == "\\"
                let isAtAnEnd = index == 0 || index == scalars.count - 1
                if isMark || isAtAnEnd && (scalar == " " || scalar == "\t") || index == 0 && looksLikeAnID {
                    text.append("\\")
                }
                text.append(scalar)
            }
            return "\(term.condition.rawValue):\(String(text))"
        }
    }
}
