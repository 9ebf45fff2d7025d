# Limits of one program. Exceeding one calls `on_exceeded` with a kind, a message and a line.
class ProgramLimits
  NICE = 10
  # Of Sonic Pi's code and of fibers that garbage collection has not freed yet.
  BASE_ADDRESS_BYTES = (256 << 20) + FiberPool::COLLECTION_INTERVAL_FIBERS * FiberPool::RESERVED_BYTES
  MAX_FIBERS = VirtualTime::MAX_THREADS + VirtualTime::MAX_UNNAMED_THREADS + 2 * FiberPool::COLLECTION_INTERVAL_FIBERS
  MEMORY_ERROR = /can't (alloc|set a guard page|set signal stack)/.freeze

  attr_accessor :line, :on_exceeded

  def near_synth_limit?(synth_count)
    @max_synths && synth_count > @max_synths / 2
  end

  def check_messages(message_count)
    return unless @max_messages && message_count > @max_messages
    stop('too_many_synths', "The program sends more than #{@max_messages} messages to scsynth.")
  end

  def check_synths(synth_count)
    return unless @max_synths && synth_count > @max_synths
    stop('too_many_synths', "More than #{@max_synths} synths sound at once.")
  end

  # Sonic Pi's own threads may exceed the limit a little, because the line that starts them is not known.
  def check_threads(thread_count)
    line = ProgramReport.current_line
    return if line.nil? && thread_count < VirtualTime::MAX_THREADS + VirtualTime::MAX_UNNAMED_THREADS
    stop('memory', "More than #{VirtualTime::MAX_THREADS} threads run at once.", line)
  end

  # Stop the program if an error means that there is no memory, whoever rescues it.
  def check_error(error)
    return unless error.is_a?(NoMemoryError) || (error.is_a?(FiberError) && error.message.match?(MEMORY_ERROR))
    Process.setrlimit(:AS, Process.getrlimit(:AS).last) # The report needs memory.
    stop_for_memory(ProgramReport.find_line(error.backtrace))
  end

  # The address space of stacks is not memory: it grows with the fibers.
  def allow_fibers(count)
    stop('memory', "More than #{VirtualTime::MAX_THREADS} threads and fibers run at once.") if count > MAX_FIBERS
    Process.setrlimit(:AS, [compute_address_bytes(count), @max_address_bytes].min, @max_address_bytes)
  end

  # Set the limits of this process.
  def apply(limits)
    @limits = limits
    @max_messages = limits[:events]
    @max_synths = limits[:synths]
    # The host needs processor time to stop a program that uses all of it.
    Process.setpriority(Process::PRIO_PROCESS, 0, [NICE, Process.getpriority(Process::PRIO_PROCESS, 0)].max)
    @max_address_bytes = compute_address_bytes(MAX_FIBERS)
    Process.setrlimit(:AS, compute_address_bytes(0), @max_address_bytes)
    Process.setrlimit(:FSIZE, limits[:file_mb] << 20)
    Process.setrlimit(:NPROC, limits[:processes])
    Process.setrlimit(:CORE, 0)
    Process.setrlimit(:CPU, limits[:cpu_s], limits[:cpu_s] + 1)
    handle_signals
    VirtualTime.on_too_many_threads { |thread_count| check_threads(thread_count) }
    VirtualTime.on_failure { |error| check_error(error) }
  end

  private

  def compute_address_bytes(fiber_count)
    (@limits[:memory_mb] << 20) + BASE_ADDRESS_BYTES + fiber_count * FiberPool::RESERVED_BYTES
  end

  def handle_signals
    trap('XFSZ', 'IGNORE') # A file that is too large raises an error, which has a line.
    trap(ProgramProcess::TIMEOUT_SIGNAL) do
      stop('timeout', "The program took longer than #{@limits[:wall_s]} s.")
    end
    trap(ProgramProcess::MEMORY_SIGNAL) { stop_for_memory }
    trap('XCPU') do
      stop('timeout', "The program used more than #{@limits[:cpu_s]} s of processor time. Is there a loop without a sleep?")
    end
  end

  def stop_for_memory(line = nil)
    stop('memory', "The program used more than #{@limits[:memory_mb]} MB of memory.", line)
  end

  def stop(kind, message, line = nil)
    @on_exceeded.call(kind, message, line || ProgramReport.current_line || @line || find_waiting_line)
  end

  # Return the line in which most threads are.
  def find_waiting_line
    VirtualTime.backtraces.filter_map { |backtrace| ProgramReport.find_line(backtrace) }
               .tally.max_by(&:last)&.first
  end
end
