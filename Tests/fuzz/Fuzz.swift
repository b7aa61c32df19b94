// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The entry points of libFuzzer, and of a program without it that gives every file of the corpus to its parser.
///
/// `Tests/fuzz/run` builds it with `-sanitize=fuzzer`, where the library brings `main` and calls
/// `LLVMFuzzerTestOneInput` (https://llvm.org/docs/LibFuzzer.html). A trap in a parser, an endless loop or an
/// expectation that does not hold ends the program, and the library keeps the input.
enum Fuzz {
    /// The parser under test, by the name of its folder in the corpus.
    static let parser = ProcessInfo.processInfo.environment["JOBS_FUZZ"].flatMap { parsers[$0] }
}

/// Ends the program if `condition` is false: what was read must be what was written.
func expect(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}

#if FUZZING

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let parser = Fuzz.parser else { fatalError("JOBS_FUZZ names none of \(parsers.keys.sorted())") }
    parser(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

#else

@main
enum Replay {
    static func main() throws {
        for corpus in CommandLine.arguments.dropFirst() {
            for name in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
                guard let parser = parsers[name] else { fatalError("no parser is called \(name)") }
                let folder = corpus + "/" + name
                for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
                    parser(Array(try Data(contentsOf: URL(filePath: folder + "/" + file))))
                }
            }
        }
    }
}

#endif
