// SPDX-License-Identifier: Apache-2.0

/// A number of bytes, written by people as `100M` or `1.5Gi`.
///
/// `K M G T` and `Ki Mi Gi Ti` are both powers of 1024, as in the kernel, systemd, Docker and Slurm. `MB` is refused,
/// because half of its readers mean 1000² and the other half 1024².
public struct ByteCount: Hashable, Sendable, Comparable {
    public var bytes: Int

    public init(_ bytes: Int) { self.bytes = bytes }

    /// The most that a job may ask for: 8 PiB, up to which a `Double` and JSON's numbers are exact, and of which a thousand can
    /// be added up.
    public static let largest = ByteCount(1 << 53)

    public static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }

    /// Reads `100M`, `1.5G`, `4096`.
    ///
    /// - Throws: ``QuantityError`` with both readings when the unit is ambiguous.
    public init(parsing text: String) throws(QuantityError) {
        let (number, unit) = try splitNumber(text, expecting: "a size such as 100M or 1.5G")
        let lower = unit.lowercased()
        guard let power = ["": 0, "b": 0, "k": 1, "ki": 1, "m": 2, "mi": 2, "g": 3, "gi": 3, "t": 4, "ti": 4][lower]
        else {
            if lower.count == 2, lower.hasSuffix("b"),
                let p = ["k": 1, "m": 2, "g": 3, "t": 4][String(lower.prefix(1))]
            {
                let letter = unit.prefix(1).uppercased()
                throw QuantityError(
                    text,
                    "\(unit) is read both ways: \(letter) is \(power1024(p)) bytes here, SI \(unit) would be \(power1000(p)); write \(number)\(letter)"
                )
            }
            throw QuantityError(text, "unknown unit '\(unit)'; use K, M, G or T (powers of 1024)")
        }
        guard power > 0 || !number.contains(".") else { throw QuantityError(text, "bytes are whole; add K, M, G or T") }
        guard let value = exact(number, times: power1024(power)), value <= Self.largest.bytes else {
            throw QuantityError(text, "the size is out of range: 8192T at most")
        }
        self.bytes = value
    }

    /// `104857600` as `100M`; three significant digits at most, always readable back to within 1 %.
    public var description: String { human(separator: "") }

    /// `100 M`-style text without a space when `separator` is empty.
    public func human(separator: String = " ") -> String {
        let units = ["B", "K", "M", "G", "T"]
        var value = Double(bytes)
        var index = 0
        while abs(value) >= 1024, index < units.count - 1 {
            value /= 1024
            index += 1
        }
        if index > 0, value >= 1023.5, index < units.count - 1 {
            value /= 1024
            index += 1
        }
        return fixed(value, digits: index == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2) + separator + units[index]
    }
}

extension ByteCount: CustomStringConvertible {}

/// Why a quantity could not be read, in words that name what would be accepted.
public struct QuantityError: Error, Equatable, CustomStringConvertible {
    public var text: String
    public var reason: String

    public init(_ text: String, _ reason: String) {
        self.text = text
        self.reason = reason
    }

    public var description: String { "'\(text)': \(reason)" }
}

func power1024(_ n: Int) -> Int { 1 << (10 * n) }
func power1000(_ n: Int) -> Int { (0..<n).reduce(1) { product, _ in product * 1000 } }

/// Splits `1.5G` into `1.5` and `G`; refuses signs, exponents and empty numbers.
func splitNumber(_ text: String, expecting what: String) throws(QuantityError) -> (String, String) {
    let trimmed = text.trimmingSpaces()
    let number = trimmed.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = String(trimmed.dropFirst(number.count)).trimmingSpaces()
    if trimmed.hasPrefix("-") { throw QuantityError(text, "must not be negative; expected \(what)") }
    guard !number.isEmpty, number.filter({ $0 == "." }).count <= 1, number.first != ".", number.last != "." else {
        throw QuantityError(text, "expected \(what)")
    }
    return (String(number), unit)
}

/// `number` × `factor` in whole units, rounded down; `nil` on overflow.
///
/// In integers, because 2.009 × 1000 is 2008.999… to a `Double`.
func exact(_ number: String, times factor: Int) -> Int? {
    let parts = number.split(separator: ".")
    guard let whole = Int(parts[0]) else { return nil }
    let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
    guard !overflow, parts.count > 1 else { return overflow ? nil : product }
    // 10¹⁸ is the largest power of ten in an Int; digits after that are below anything that is counted.
    let digits = parts[1].prefix(18)
    let scale = digits.reduce(1) { power, _ in power * 10 }
    guard let fraction = Int(digits) else { return nil }
    // fraction < scale, so the quotient is below `factor`.
    let (quotient, _) = scale.dividingFullWidth(fraction.multipliedFullWidth(by: factor))
    let (sum, carried) = product.addingReportingOverflow(quotient)
    return carried ? nil : sum
}

/// Fixed-point text without Foundation; trailing zeros go away (`1.50` → `1.5`).
func fixed(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    // A number that no Int holds comes from outside; it is shown as it is.
    guard let scaled = Int(exactly: (value * scale).rounded()), scaled != .min else { return "\(value)" }
    let negative = scaled < 0
    let whole = abs(scaled) / Int(scale)
    var fraction = String(abs(scaled) % Int(scale))
    fraction = String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    while fraction.hasSuffix("0") { fraction.removeLast() }
    if digits == 0 { fraction = "" }
    return (negative ? "-" : "") + String(whole) + (fraction.isEmpty ? "" : "." + fraction)
}

extension String {
    func trimmingSpaces() -> String {
        var view = self[...]
        while let first = view.first, first == " " || first == "\t" { view.removeFirst() }
        while let last = view.last, last == " " || last == "\t" { view.removeLast() }
        return String(view)
    }
}
