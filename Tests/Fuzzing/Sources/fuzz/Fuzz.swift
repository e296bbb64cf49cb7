import CFuzzer
import FuzzTargets

/// `fuzz TARGET [option of libFuzzer …] CORPUS…`: hands the target and the rest to libFuzzer.
@main
enum Fuzz {
    static func main() {
        guard CommandLine.argc > 1, let name = CommandLine.unsafeArgv[1].map({ String(cString: $0) }),
            let target = FuzzTarget(rawValue: name)
        else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: "|")
            print("usage: fuzz \(names) [OPTION …] CORPUS …")
            return
        }
        // libFuzzer reads from the second argument on; the name in front of it is only printed.
        var count = CommandLine.argc - 1
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
        switch target {
        case .json: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.json, $0, $1) }
        case .envelope: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.envelope, $0, $1) }
        case .cloudevent: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.cloudevent, $0, $1) }
        case .time: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.time, $0, $1) }
        case .path: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.path, $0, $1) }
        case .template: LLVMFuzzerRunDriver(&count, &arguments) { Fuzz.run(.template, $0, $1) }
        }
    }

    private static func run(_ target: FuzzTarget, _ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
        if let failure = target.run(Array(UnsafeBufferPointer(start: data, count: size))) {
            // A crash is what libFuzzer takes for a finding; it keeps the input.
            fatalError(failure)
        }
        return 0
    }
}
