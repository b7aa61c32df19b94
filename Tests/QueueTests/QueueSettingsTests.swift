// SPDX-License-Identifier: Apache-2.0
import Foundation
import Queue
import Testing

@Suite struct QueueSettingsTests {
    @Test func `what was written is read, and nothing is there before`() throws {
        let directory = try TemporaryDirectory()
        var settings = try QueueSettings(directory.path)
        #expect(settings.groups.isEmpty && !settings.isDraining && !settings.isStrict)
        settings.isDraining = true
        settings.groups = ["gpus": 2, "open": Int?.none]
        try settings.write(directory.path)
        #expect(try QueueSettings(directory.path) == settings)
        #expect(settings.limits == ["gpus": 2])
    }

    @Test(arguments: [
        "[]", "{", "{\"draining\": 1}", "{\"groups\": []}", "{\"groups\": {\"a\": -1}}", "{\"groups\": {\"a\": \"2\"}}",
        "",
    ])
    func `settings that cannot be understood are an error with the file's name`(_ text: String) throws {
        let directory = try TemporaryDirectory()
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path + "/settings.json"))
        let error = #expect(throws: QueueSettingsError.self) { try QueueSettings(directory.path) }
        #expect(error?.description.contains(directory.path + "/settings.json") == true)
    }

    @Test func `a field of a later version is passed over`() throws {
        let directory = try TemporaryDirectory()
        let text = "{\"draining\": true, \"colour\": \"blue\"}"
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path + "/settings.json"))
        #expect(try QueueSettings(directory.path).isDraining)
    }
}
