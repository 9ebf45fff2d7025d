# Fibers that run one thread after the other.
#
# Ruby frees the stack of a fiber only when it collects garbage, which most renders never do. A fiber
# whose thread has ended therefore runs the next thread, so that memory depends on the threads that
# are alive at once, and not on the threads that a clip ever starts.
class FiberPool
  # Ruby reserves the address space of stacks in blocks, each as large as all blocks before it.
  RESERVED_BYTES = 2 * RubyVM::DEFAULT_PARAMS.values_at(:fiber_vm_stack_size, :fiber_machine_stack_size).sum
  GROWTH_FIBERS = 64

  # The block is called with a number of fibers before the pool grows to that number.
  def initialize(&prepare)
    @prepare = prepare
    @idle = []
    @fibers = []
    @prepared_count = 0
  end

  # Switch from the current fiber to one that runs `thread`, and calls `thread.run_block` first.
  def start(thread)
    (@idle.pop || create_fiber).transfer(thread)
  end

  # Return the backtrace of every fiber that runs a thread.
  def backtraces
    (@fibers - @idle).filter_map(&:backtrace)
  end

  private

  def create_fiber
    @prepare&.call(@prepared_count += GROWTH_FIBERS) if @fibers.size == @prepared_count
    fiber = Fiber.new do |thread|
      while thread
        thread.run_block
        thread = nil # An idle fiber must not keep the objects of its last thread alive.
        @idle << fiber
        thread = VirtualTime.root.transfer
      end
    end
    @fibers << fiber
    fiber
  end
end
