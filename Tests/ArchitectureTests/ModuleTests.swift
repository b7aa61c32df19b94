// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The module table of ARCHITECTURE.md, Package.swift and the imports of the sources say the same.
@Suite struct ModuleTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: repository.appending(path: path), encoding: .utf8)
    }

    /// The modules of each row of the table, from the top.
    private let rows: [[String]]
    /// Imports of each module's files.
    private let imports: [String: [(file: String, module: String)]]
    /// Own targets that Package.swift names as dependencies of each target.
    private let declared: [String: Set<String>]

    init() throws {
        let map = try #require(try Self.text("ARCHITECTURE.md").components(separatedBy: "## Map").dropFirst().first)
        rows = map.components(separatedBy: "\n## ")[0].split(separator: "\n")
            .filter { $0.hasPrefix("| ") && !$0.hasPrefix("| module") && !$0.hasPrefix("| ---") }
            .map { line in
                line.split(separator: "|")[0].split(separator: "·").map { $0.trimmingCharacters(in: .whitespaces) }
            }
        var imports: [String: [(String, String)]] = [:]
        let sources = Self.repository.appending(path: "Sources")
        for module in try FileManager.default.contentsOfDirectory(atPath: sources.path) {
            imports[module] = []
            let files = FileManager.default.enumerator(atPath: sources.appending(path: module).path)
            while let file = files?.nextObject() as? String {
                guard file.hasSuffix(".swift") else { continue }
                for line in try Self.text("Sources/\(module)/\(file)").split(separator: "\n") {
                    let prefix = ["import ", "package import ", "public import "].first { line.hasPrefix($0) }
                    if let prefix { imports[module]?.append((file, String(line.dropFirst(prefix.count)))) }
                }
            }
        }
        self.imports = imports
        declared = try Self.dependencies(in: Self.text("Package.swift"))
    }

    /// The quoted names in each target's list of dependencies; of packages' products too.
    private static func dependencies(in package: String) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for target in package.components(separatedBy: "arget(").dropFirst() {
            guard let name = target.firstMatch(of: #/name: "([^"]+)"/#)?.1,
                let list = target.firstMatch(of: #/dependencies: \[((?s).*?)\n? *\],? ?\n?/#)?.1
            else { continue }
            var names = Set(list.matches(of: #/"([^"]+)"/#).map { String($0.1) })
            if list.firstMatch(of: #/\bsystem\b/#) != nil { names.insert("SystemPackage") }
            found[String(name)] = names
        }
        return found
    }

    @Test func `the table names each module once`() {
        let named = rows.flatMap { $0 }
        #expect(Set(named).count == named.count)
        #expect(Set(named) == Set(imports.keys).subtracting(["CSystemd", "CSeccomp", "CLanes"]))
    }

    @Test func `imports point downwards in the table`() throws {
        var place: [String: Int] = [:]
        for (index, row) in rows.enumerated() { for module in row { place[module] = index } }
        for (module, found) in imports {
            guard let own = place[module] else { continue }
            for (file, imported) in found where imported != module {
                guard let other = place[imported] else { continue }
                #expect(other >= own, "\(module)/\(file) imports \(imported)")
            }
        }
    }

    /// Modules that come with the compiler.
    private static let standard: Set<String> = ["Dispatch", "Foundation", "Glibc", "Synchronization"]

    @Test func `each module imports what it declares, and declares what it imports`() {
        for (module, found) in imports where !found.isEmpty {
            let imported = Set(found.map(\.module))
            let declared = declared[module] ?? []
            let undeclared = imported.subtracting(declared).subtracting(Self.standard)
            #expect(undeclared.isEmpty, "\(module): \(undeclared.sorted())")
            let unused = declared.intersection(imports.keys).subtracting(imported)
            #expect(unused.isEmpty, "\(module): \(unused.sorted())")
        }
    }

    @Test(arguments: [
        ("Yams", ["JobFile"]), ("GRDB", ["JobStore"]), ("Hummingbird", ["JobsServer"]), ("CSystemd", ["Systemd"]),
        ("CSeccomp", ["Supervisor"]), ("CLanes", ["jobsd"]), ("ArgumentParser", ["jobs", "jobsd"]),
        ("Foundation", ["JobsServer"]),
    ]) func `a library is known to one module`(_ library: String, _ owners: [String]) {
        for (module, found) in imports where !owners.contains(module) {
            #expect(!found.contains { $0.module == library }, "\(module) imports \(library)")
        }
    }

    /// A cgroup's file is read and written by Cgroups alone; the name of one that a document or a finding tells of is no access.
    ///
    /// Doctor looks for files before there is a root, and the command's process enters by `tasks` of a directory it is given.
    @Test func `no other module opens a file of a cgroup`() throws {
        let names = ["cgroup.", "memory.", "cpu.", "cpuacct.", "pids.", "tasks"].flatMap {
            ["\"" + $0, "/" + $0]
        }
        let calls = ["open(", "read(", "readInt(", "write(", "exists(", "has("]
        for (module, found) in imports where !["Cgroups", "Doctor"].contains(module) {
            for file in Set(found.map(\.file)) where file != "Payload.swift" {
                let text = try Self.text("Sources/\(module)/\(file)")
                guard names.contains(where: { text.contains($0) }) else { continue }
                let lines = text.split(separator: "\n")
                let accesses = lines.filter { line in
                    calls.contains { line.contains($0) } && names.contains { line.contains($0) }
                }
                #expect(accesses.isEmpty, "\(module)/\(file): \(accesses)")
            }
        }
    }
}
