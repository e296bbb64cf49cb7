import CFrameLayout
import EventModel

extension Frame {
    /// Writes the frame in a layout, all of it.
    ///
    /// - Parameter slot: Memory of ``FrameLayout/frameSize`` bytes, aligned to 8. Its sequence is left alone, because
    ///   that belongs to the ring's protocol.
    public func encode(into slot: UnsafeMutablePointer<cfl_slot>, as layout: FrameLayout) {
        withUnsafePointer(to: self) { frame in
            Self.encode(frame, into: slot, as: layout) { payload, lines in
                guard let payload else { return }
                let size = lines * Int(CFL_LINE) - MemoryLayout<cfl_slot>.size
                UnsafeMutableRawPointer(slot + 1).copyMemory(from: payload, byteCount: size)
            }
        }
    }

    /// Writes a frame in a layout, but for the cache lines that the embedding fills: they are lent, so that nobody
    /// copies them twice.
    ///
    /// - Parameters:
    ///   - frame: By pointer, because the compiler copies one that is passed as itself, and counts its embedding.
    ///   - lending: Gets what follows the slot's first two fields, and how many of the slot's lines it fills; nil when
    ///     it is none.
    public static func encode(
        _ frame: UnsafePointer<Frame>, into slot: UnsafeMutablePointer<cfl_slot>, as layout: FrameLayout,
        lending: (_ payload: UnsafeRawPointer?, _ lines: Int) -> Void
    ) {
        slot.pointee.frame_id = frame.pointee.id
        let memory = UnsafeMutableRawPointer(slot)
        // By way of a span, which doesn't count the embedding either.
        frame.pointee.semantic.span.withUnsafeBufferPointer { source in
            let filled = min(source.count, dimensions)
            switch layout {
            case .full:
                let full = memory.assumingMemoryBound(to: cfl_frame.self)
                let values = cfl_semantic(full)!
                let lines = filled < valuesOfFirstLine ? 0 : 1 + (filled - valuesOfFirstLine) / valuesOfLine
                let rest = lines == 0 ? 0 : valuesOfFirstLine + (lines - 1) * valuesOfLine
                if let start = source.baseAddress { (values + rest).update(from: start + rest, count: filled - rest) }
                (values + filled).update(repeating: 0, count: dimensions - filled)
                encode(frame, into: cfl_frame_numbers(full), filled: filled, scale: 0)
                lending(lines == 0 ? nil : UnsafeRawPointer(source.baseAddress), lines)
            case .compact:
                let compact = memory.assumingMemoryBound(to: cfl_compact_frame.self)
                let values = cfl_compact_semantic(compact)!
                let scale = cfl_quantize(source.baseAddress, values, filled)
                (values + filled).update(repeating: 0, count: dimensions - filled)
                encode(frame, into: cfl_compact_numbers(compact), filled: filled, scale: scale)
                lending(nil, 0)
            }
        }
    }

    /// How many values of the embedding lie in the slot's first cache line, and in the next ones.
    private static let valuesOfFirstLine = (Int(CFL_LINE) - MemoryLayout<cfl_slot>.size) / MemoryLayout<Float>.size
    private static let valuesOfLine = Int(CFL_LINE) / MemoryLayout<Float>.size

    private static func encode(
        _ frame: UnsafePointer<Frame>, into numbers: UnsafeMutablePointer<cfl_numbers>, filled: Int, scale: Float
    ) {
        numbers.pointee.delta_time = frame.pointee.deltaTime
        numbers.pointee.duration_ms = frame.pointee.durationMilliseconds
        numbers.pointee.velocity = frame.pointee.velocity
        numbers.pointee.interrupt = frame.pointee.named.interrupt
        numbers.pointee.timestamp_us = frame.pointee.time.microseconds
        numbers.pointee.conversation_hash = frame.pointee.conversationHash
        numbers.pointee.workflow_node = frame.pointee.named.workflowNode
        numbers.pointee.case_status = frame.pointee.named.caseStatus
        numbers.pointee.lead_status = frame.pointee.named.leadStatus
        numbers.pointee.fill_rate = frame.pointee.fillRate
        numbers.pointee.actor_type = frame.pointee.named.actor.rawValue
        numbers.pointee.intent_id = frame.pointee.intentID
        numbers.pointee.sentiment = frame.pointee.sentiment
        numbers.pointee.confidence = frame.pointee.named.confidence
        let spin = frame.pointee.spin
        numbers.pointee.spin = (spin.w, spin.x, spin.y, spin.z)
        // Not through an array of bytes, which would cost more than all the rest.
        let identity = UnsafeMutableRawPointer(cfl_event_id(numbers)!)
        identity.storeBytes(of: frame.pointee.eventID.high.bigEndian, as: UInt64.self)
        identity.storeBytes(of: frame.pointee.eventID.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        numbers.pointee.organization_hash = frame.pointee.organizationHash
        numbers.pointee.semantic_dimensions = UInt16(filled)
        numbers.pointee.flags = frame.pointee.flags.rawValue
        numbers.pointee.scale = scale
    }

    /// Reads a frame from its layout; numbers that no writer of this version writes are brought into range.
    public init(_ slot: UnsafeMutablePointer<cfl_slot>, as layout: FrameLayout) {
        let memory = UnsafeMutableRawPointer(slot)
        switch layout {
        case .full:
            let frame = memory.assumingMemoryBound(to: cfl_frame.self)
            self.init(cfl_frame_numbers(frame)) { filled, _ in
                Array(UnsafeBufferPointer(start: cfl_semantic(frame), count: filled))
            }
        case .compact:
            let frame = memory.assumingMemoryBound(to: cfl_compact_frame.self)
            self.init(cfl_compact_numbers(frame)) { filled, scale in
                UnsafeBufferPointer(start: cfl_compact_semantic(frame), count: filled).map { Float($0) * scale }
            }
        }
        id = slot.pointee.frame_id
    }

    private init(_ numbers: UnsafeMutablePointer<cfl_numbers>, semantic: (_ filled: Int, _ scale: Float) -> [Float]) {
        self.init(
            eventID: UniqueID(bytes: UnsafeBufferPointer(start: cfl_event_id(numbers), count: 16)),
            time: Timestamp(microseconds: numbers.pointee.timestamp_us),
            organizationHash: numbers.pointee.organization_hash)
        let spin = numbers.pointee.spin
        conversationHash = numbers.pointee.conversation_hash
        self.semantic = semantic(
            min(Int(numbers.pointee.semantic_dimensions), Self.dimensions), numbers.pointee.scale)
        self.spin = Spin(w: spin.0, x: spin.1, y: spin.2, z: spin.3)
        deltaTime = numbers.pointee.delta_time
        velocity = numbers.pointee.velocity
        durationMilliseconds = numbers.pointee.duration_ms
        intentID = numbers.pointee.intent_id
        fillRate = numbers.pointee.fill_rate
        named.interrupt = numbers.pointee.interrupt
        named.workflowNode = numbers.pointee.workflow_node
        named.caseStatus = numbers.pointee.case_status
        named.leadStatus = numbers.pointee.lead_status
        named.actor = NamedValues.Actor(rawValue: numbers.pointee.actor_type) ?? .system
        sentiment = numbers.pointee.sentiment
        named.confidence = numbers.pointee.confidence
        flags = FrameFlags(rawValue: numbers.pointee.flags)
    }
}
