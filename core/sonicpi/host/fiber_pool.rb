# Fibers that run one thread after the other.
#
# Ruby frees the stack of a fiber only when it collects garbage, which most renders never do. A fiber
# whose thread has ended therefore runs the next thread, so that memory depends on the threads that
# are alive at once, and not on the threads that a clip ever starts.
class FiberPool
  # Ruby reserves the address space of stacks in blocks, each as large as all blocks before it.
  RESERVED_BYTES = 2 * RubyVM::DEFAULT_PARAMS.values_at(:fiber_vm_stack_size, :fiber_machine_stack_size).sum
  GROWTH_FIBERS = 64
  # Ruby does not collect garbage when it has no address space for another stack.
  COLLECTION_INTERVAL_FIBERS = 512

  # The block is called with the number of fibers before there are that many.
  def initialize(&prepare)
    @prepare = prepare
    @idle = []
    @fibers = []
    @prepared_count = 0
    @foreign_count = 0
    @new_foreign_count = 0
  end

  # Switch from the current fiber to one that runs `thread`, and calls `thread.run_block` first.
  def start(thread)
    (@idle.pop || create_fiber).transfer(thread)
  end

  # Return the backtrace of every fiber that runs a thread.
  def backtraces
    (@fibers - @idle).filter_map(&:backtrace)
  end

  # Count a fiber that is not of this pool: one of the program, or of an Enumerator. The stacks of those
  # that are not used any more are freed from time to time.
  def count_foreign_fiber
    return if (@new_foreign_count += 1) < COLLECTION_INTERVAL_FIBERS
    ObjectSpace.garbage_collect
    @new_foreign_count = 0
    @foreign_count = ObjectSpace.each_object(Fiber).count(&:alive?) - @fibers.size
    prepare_fibers
  end

  private

  def prepare_fibers
    @prepare&.call(@prepared_count + @foreign_count + COLLECTION_INTERVAL_FIBERS)
  end

  def create_fiber
    if @fibers.size == @prepared_count
      @prepared_count += GROWTH_FIBERS
      prepare_fibers
    end
    fiber = Fiber.unmanaged_new do |thread|
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
