# A child process of the host that runs one program.
#
# The host watches its time and its memory. On a signal the program reports the line that it is in; a
# program that does not is killed.
class ProgramProcess
  TIMEOUT_SIGNAL = 'USR1'
  MEMORY_SIGNAL = 'USR2'
  REPORT_SECONDS = 2.0 # A program that has exceeded a limit may still report its line.
  POLL_SECONDS = 0.05
  # A program that allocates on is killed without its line.
  MAX_MEMORY_OVERRUN = 1.5
  MAX_ANSWER_BYTES_PER_EVENT = 320
  BLOCK_BYTES = 1 << 20
  PAGE_BYTES = 4096

  # `list_pids` returns the processes of the program beside its first, which it forked.
  def initialize(limits, &list_pids)
    @limits = limits
    @list_pids = list_pids
    @memory_bytes = limits[:memory_mb] << 20
    @max_answer_bytes = limits[:events] * MAX_ANSWER_BYTES_PER_EVENT
    @peak_bytes = 0
    @block = String.new(capacity: BLOCK_BYTES)
  end

  # Fork a child that runs the block, which writes to a pipe; return the output.
  def run
    reader, writer = IO.pipe
    @child = fork do
      reader.close
      yield writer
      exit!(0)
    end
    writer.close
    @started = monotonic_seconds
    output = collect_output(reader)
    @is_killed = @status.nil?
    @status ||= kill_child
    @seconds = monotonic_seconds - @started
    output
  ensure
    reader&.close
  end

  # Return the error of a program that has ended without a result.
  def describe_death
    kind, message = find_death_cause(@status.termsig && Signal.signame(@status.termsig))
    { error: { kind: kind, message: message }, warnings: [] }
  end

  private

  def find_death_cause(signal)
    return ['memory', memory_message] if @exceeded == MEMORY_SIGNAL || ran_out_of_memory?(signal)
    return ['too_many_synths', "The score is larger than #{@max_answer_bytes >> 20} MB."] unless @is_answer_complete
    return ['timeout', "The program took longer than #{@limits[:wall_s]} s."] if @is_killed
    case signal
    when 'KILL', 'XCPU'
      if signal == 'KILL' && @seconds < @limits[:cpu_s]
        # Too early for the limit: the system kills processes when memory is short, for example.
        return ['crashed', 'The program was killed by another process or by the system.']
      end
      ['timeout', "The program used more than #{@limits[:cpu_s]} s of processor time."]
    else ['crashed', 'The program ended its own interpreter.']
    end
  end

  def memory_message
    "The program used more than #{@limits[:memory_mb]} MB of memory."
  end

  # Ruby exits with 1 when it has no memory left to raise an error, and the C library aborts.
  def ran_out_of_memory?(signal)
    (signal == 'ABRT' || @status.exitstatus == 1) && @peak_bytes > @memory_bytes / 2
  end

  # Read until the child has ended and the pipe is empty. End of file is not enough: a process that
  # the child forked may hold the pipe open.
  def collect_output(reader)
    output = String.new
    @deadline = @started + @limits[:wall_s]
    while (@is_answer_complete = output.bytesize < @max_answer_bytes)
      break if @status.nil? && must_kill?
      if reader.wait_readable(@status ? 0 : POLL_SECONDS)
        block = reader.read_nonblock(BLOCK_BYTES, @block, exception: false)
        return output.tap { @status ||= Process.wait2(@child).last } if block.nil?
        output << block if block.is_a?(String)
      elsif @status
        break
      else
        @status = Process.wait2(@child, Process::WNOHANG)&.last
      end
    end
    output
  end

  # Ask a program that exceeds a limit for its line. Returns true if it has not answered in time, or
  # allocates on.
  def must_kill?
    memory_bytes = measure_memory
    return monotonic_seconds >= @deadline || memory_bytes > @memory_bytes * MAX_MEMORY_OVERRUN if @exceeded
    @exceeded = MEMORY_SIGNAL if memory_bytes > @memory_bytes
    @exceeded ||= TIMEOUT_SIGNAL if monotonic_seconds >= @deadline
    return false unless @exceeded
    Process.kill(@exceeded, @child)
    @deadline = monotonic_seconds + REPORT_SECONDS
    false
  end

  # Return the resident memory of the program and of what it forked.
  def measure_memory
    pids = @list_pids.call | [@child]
    bytes = pids.sum { |pid| measure_resident_bytes(pid) }
    @peak_bytes = bytes if bytes > @peak_bytes
    bytes
  end

  def measure_resident_bytes(pid)
    File.read("/proc/#{pid}/statm").split[1].to_i * PAGE_BYTES
  rescue Errno::ENOENT, Errno::ESRCH # The process has ended.
    0
  end

  def kill_child
    Process.kill(:KILL, @child)
    Process.wait2(@child).last
  end

  def monotonic_seconds
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
