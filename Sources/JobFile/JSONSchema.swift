// SPDX-License-Identifier: Apache-2.0

public import JobModel

extension JobFile {
    /// The JSON Schema (draft 2020-12) of YAML job files, for editors.
    ///
    /// A help while typing: it knows the keys and the form of their values, but no contradictions, and it is a little
    /// narrower where YAML libraries differ (`Yes` for `true`). ``parse(yaml:file:)`` decides.
    public static var schema: JSON {
        var properties = members(of: nil)
        for section in Settings.sections {
            properties.append(.init(section, object(members(of: section), [("type", ["object", "null"])])))
        }
        return object(
            properties,
            [
                ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", "Job file of Jobs"),
                ("description", "What a job executes, under which limits and how isolated."), ("type", "object"),
            ],
            [("oneOf", [["required": ["command"]], ["required": ["script"]]])])
    }

    private static func object(
        _ properties: [JSON.Member], _ before: [(String, JSON)], _ after: [(String, JSON)] = []
    ) -> JSON {
        let own: [(String, JSON)] = [("additionalProperties", false), ("properties", .object(properties))]
        return .object((before + own + after).map { JSON.Member($0.0, $0.1) })
    }

    private static func members(of section: String?) -> [JSON.Member] {
        Settings.all.filter { $0.section == section }.map { setting in
            var members: [JSON.Member] = [.init("description", .string(setting.documentation))]
            if case .object(let own) = setting.schema { members += own }
            if let standard = setting.standard {
                members.append(.init("default", setting.isSwitch ? .bool(standard == "true") : .string(standard)))
            }
            return JSON.Member(setting.key, .object(members))
        }
    }
}

// Schemas are mostly constants and read best as the JSON that they are.
extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements.map { Member($0.0, $0.1) }) }
}

extension JSON.Member {
    init(_ key: String, _ value: JSON) { self.init(key: key, value: value) }
}
