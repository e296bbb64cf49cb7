/// Very many short lists in one array, so that a list is a few numbers and costs no allocation of its own.
///
/// A list has a power of two of room; one that outgrows it moves, and leaves its room to others.
struct BlockPool<Element: BitwiseCopyable & Sendable>: Sendable {
    /// One of the lists.
    struct Block: BitwiseCopyable, Sendable {
        fileprivate(set) var start: Int32 = 0
        fileprivate(set) var count: Int32 = 0
        /// The power of two; negative without room.
        fileprivate var size: Int8 = -1
    }

    private var elements: [Element] = []
    private var free: [[Int32]] = []

    subscript(block: Block, index: Int) -> Element {
        get { elements[Int(block.start) + index] }
        set { elements[Int(block.start) + index] = newValue }
    }

    /// The element at a place in the array of all lists.
    subscript(place: Int) -> Element { elements[place] }

    /// Makes a list of elements.
    mutating func make(_ contents: some Collection<Element>) -> Block {
        var block = Block()
        for element in contents { append(element, to: &block) }
        return block
    }

    mutating func append(_ element: Element, to block: inout Block) {
        if block.size < 0 || Int(block.count) == 1 << Int(block.size) { grow(&block, with: element) }
        elements[Int(block.start) + Int(block.count)] = element
        block.count += 1
    }

    /// Removes an element; the last one takes its place.
    mutating func removeSwapping(at index: Int, from block: inout Block) {
        block.count -= 1
        elements[Int(block.start) + index] = elements[Int(block.start) + Int(block.count)]
        if block.count == 0 { release(&block) }
    }

    /// Gives the room of a list back.
    mutating func release(_ block: inout Block) {
        if block.size >= 0 { free[Int(block.size)].append(block.start) }
        block = Block()
    }

    /// The elements of a list, copied.
    func array(_ block: Block) -> [Element] {
        Array(elements[Int(block.start)..<Int(block.start) + Int(block.count)])
    }

    /// Lends the elements of a list.
    func withElements<R>(_ block: Block, _ body: (UnsafeBufferPointer<Element>) -> R) -> R {
        elements.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[Int(block.start)..<Int(block.start) + Int(block.count)]))
        }
    }

    private mutating func grow(_ block: inout Block, with filler: Element) {
        var larger = Block(start: 0, count: block.count, size: block.size + 1)
        while free.count <= Int(larger.size) { free.append([]) }
        if let start = free[Int(larger.size)].popLast() {
            larger.start = start
        } else {
            larger.start = Int32(elements.count)
            elements.append(contentsOf: repeatElement(filler, count: 1 << Int(larger.size)))
        }
        for index in 0..<Int(block.count) { elements[Int(larger.start) + index] = elements[Int(block.start) + index] }
        release(&block)
        block = larger
    }
}
