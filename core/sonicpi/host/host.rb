# The offline host: a server that renders Sonic Pi programs on standard input and output.
#
# It runs inside the sandbox and loads Sonic Pi and scsynth once. For every request it forks one
# child that runs the program and writes a score, and a second child that synthesizes the score.
#
# Request (standard input): u32 length, JSON {source, seconds, sample_rate, limits}.
# Reply (standard output): u32 length, JSON {error, warnings, skipped_s, frames, host_s}. The score
# plays for skipped_s before the clip begins. What follows depends on the request:
# - events_only: nothing; the JSON also holds the events, and nothing is synthesized.
# - score_only: the score, whose length the JSON holds as score_bytes.
# - otherwise, without an error: frames * 8 bytes of float32 stereo, then u32 length, JSON
#   {error, synth_s}.
# - find_failure: nothing; the error names the message that ends scsynth, or is null.
# All integers are big-endian.
require 'json'
require 'tempfile'
require 'tmpdir'
require 'fileutils'
require_relative 'runtime'
require_relative 'scsynth_library'
require_relative 'scsynth_failure_search'
require_relative 'program_process'
require_relative 'program_run'

class Host
  # The score is longer than the clip, because scsynth is killed once all frames were copied.
  TAIL_SECONDS = 0.1
  # 3 s of sound: a large buffer saves context switches between writer and reader.
  PIPE_BYTES = 1 << 20
  F_SETPIPE_SZ = 1031
  FRAME_BYTES = 8
  TRACED_KINDS = %w[memory timeout crashed].freeze
  MAX_SYNTHESIS_MEMORY_BYTES = 4 << 30
  GC_INTERVAL_PROGRAMS = 10
  # The root folder of the sandbox, unlike that of any machine (see sandbox.py).
  SANDBOX_ROOT = %w[bin dev earshot etc lib lib64 proc tmp usr].freeze

  def initialize(input, output, plugins, later_sounds)
    @input = input
    @output = output
    @sandboxed = sandboxed?
    @block = String.new(capacity: 1 << 20)
    prevent_tracing
    Synthesis.load_library(plugins)
    @run = ProgramRun.new(later_sounds)
    GC.compact
    GC.start
    write_reply(ready: true, sandboxed: @sandboxed)
  end

  def serve_requests
    request_count = 0
    while (request = read_request)
      handle_request(request)
      clean_up
      # The heap has room to grow (see sandbox.py), but every fork copies the garbage in it.
      GC.start if ((request_count += 1) % GC_INTERVAL_PROGRAMS).zero?
    end
  end

  private

  # A program runs as the same user as the host. A process that is not dumpable (prctl 4) cannot be
  # traced by others, and others cannot open its memory or descriptors. Signals that can be ignored
  # must not end the host either.
  def prevent_tracing
    prctl = Fiddle::Function.new(Fiddle.dlopen(nil)['prctl'], [Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_INT)
    raise 'prctl failed' unless prctl.call(4, 0).zero?
    %w[HUP INT QUIT TERM USR1 USR2 ALRM PIPE].each { |signal| trap(signal, 'IGNORE') } if @sandboxed
  end

  # A child must neither read requests nor forge replies.
  def close_request_pipes
    [@input, @output].each(&:close)
  end

  def read_request
    size = @input.read(4) or return
    JSON.parse(@input.read(size.unpack1('N')), symbolize_names: true)
  end

  def write_reply(fields)
    json = JSON.generate(fields, allow_nan: true) # Options may be infinite.
    @output.write([json.bytesize].pack('N'), json)
    @output.flush
  end

  def handle_request(request)
    return write_reply(find_failure(request)) if request[:find_failure]
    started = monotonic_seconds
    result, score = run_program(request)
    return write_score_reply(result, score) if request[:score_only]
    frames = result[:error] || request[:events_only] ? 0 : (request[:seconds] * request[:sample_rate]).round
    write_reply(result.merge(frames: frames, host_s: monotonic_seconds - started))
    return if frames.zero?
    started = monotonic_seconds
    write_reply(synthesize_score(score, frames, result[:skipped_s], request).merge(synth_s: monotonic_seconds - started))
  end

  def write_score_reply(result, score)
    write_reply(result.merge(score_bytes: score.to_s.bytesize))
    @output.write(score.to_s)
    @output.flush
  end

  # Run the program in a child; return its result and its score.
  def run_program(request)
    result, score = run_in_child(request)
    error = result[:error]
    error[:line] = find_last_line(request) if error && error[:line].nil? && TRACED_KINDS.include?(error[:kind])
    [result, score]
  end

  # Return the line in which a program ends. Where neither Ruby nor the program could report it, the
  # program runs again, and slower, with a trace of its lines.
  def find_last_line(request)
    limits = request[:limits].merge(wall_s: [request[:limits][:wall_s], 2 * request[:limits][:cpu_s]].min)
    Tempfile.create('lines') do |file|
      File.unlink(file.path)
      run_in_child(request.merge(limits: limits)) { @run.trace_lines(file) }
      line = file.pread(4, 0).unpack1('N') if file.size >= 4
      line if line&.between?(1, request[:source].lines.size)
    end
  end

  def run_in_child(request)
    child = ProgramProcess.new(request[:limits]) { @sandboxed ? other_pids : [] }
    output = child.run do |pipe|
      close_request_pipes
      yield if block_given?
      @run.run_program(request, pipe)
    end
    kill_other_processes if @sandboxed
    size = output.unpack1('N')
    return [child.describe_death, nil] unless size && output.bytesize >= 4 + size
    [JSON.parse(output[4, size], symbolize_names: true, allow_nan: true), output[4 + size..]]
  rescue JSON::ParserError
    [{ error: { kind: 'crashed', message: 'The program damaged its own interpreter.' }, warnings: [] }, nil]
  end

  # Synthesize the score in a child, and copy its samples to the output as they arrive.
  def synthesize_score(score, frames, skipped_seconds, request)
    skipped_frames = (skipped_seconds * request[:sample_rate]).round
    deadline = monotonic_seconds + request[:limits][:wall_s]
    is_complete, status = read_synthesis(score, request) do |reader|
      copy_samples(reader, skipped_frames, frames, deadline)
    end
    return { error: nil } if is_complete
    { error: describe_synthesis_death(status, request[:limits], monotonic_seconds >= deadline) }
  end

  # Run the program again, and find the message with which its sound ends.
  def find_failure(request)
    result, score = run_program(request)
    return { error: result[:error] } if result[:error]
    deadline = monotonic_seconds + request[:limits][:wall_s]
    search = FailureSearch.new(score, result[:trace]) do |part, seconds|
      frames = ((seconds - TAIL_SECONDS) * request[:sample_rate]).floor
      monotonic_seconds > deadline || playable?(part, frames, request)
    end
    # A search that is disturbed from outside must not blame an innocent message.
    { error: catch(:killed_from_outside) { search.find_error } }
  end

  # Return whether scsynth plays a score to its end, with numbers only.
  def playable?(score, frames, request)
    end_of_sound, status = read_synthesis(score, request) do |reader|
      read_to_end(reader, frames * FRAME_BYTES, monotonic_seconds + request[:limits][:wall_s])
    end
    throw :killed_from_outside if end_of_sound == :missing && status.termsig == Signal.list['KILL']
    end_of_sound == :complete
  end

  # Read samples; return :complete, :not_a_number, :late, or :missing when scsynth stopped writing.
  def read_to_end(reader, missing_bytes, deadline)
    incomplete_frame = String.new
    while missing_bytes.positive? && (block = read_before_deadline(reader, deadline))
      missing_bytes -= block.bytesize
      samples = incomplete_frame + block
      incomplete_frame = samples.slice!((samples.bytesize / FRAME_BYTES * FRAME_BYTES)..)
      return :not_a_number unless samples.unpack('e*').sum.finite?
    end
    return :complete unless missing_bytes.positive?
    monotonic_seconds >= deadline ? :late : :missing
  end

  # Synthesize a score in a child, and yield the pipe from which its samples are read. Returns the
  # block's result and how the child ended.
  def read_synthesis(score, request)
    path = "#{Dir.tmpdir}/earshot-#{Process.pid}.score"
    File.binwrite(path, score)
    reader, writer = open_wide_pipe
    child = fork do
      reader.close
      close_request_pipes
      Process.setrlimit(:CPU, request[:limits][:synthesis_cpu_s], request[:limits][:synthesis_cpu_s] + 1)
      Process.setrlimit(:AS, MAX_SYNTHESIS_MEMORY_BYTES)
      # scsynth crashes in its own clean-up, which expects a thread that a fork does not copy.
      Process.setrlimit(:CORE, 0)
      Synthesis.synthesize(path, "/proc/self/fd/#{writer.fileno}", request[:sample_rate])
      exit!(0)
    end
    writer.close
    result = yield reader
    [result, kill_child(child)]
  ensure
    reader&.close
    FileUtils.rm_f(path)
  end

  def describe_synthesis_death(status, limits, is_late)
    kind, message =
      case status.termsig && Signal.signame(status.termsig)
      when 'XCPU' then ['timeout', "The synthesis used more than #{limits[:synthesis_cpu_s]} s of processor time."]
      when 'KILL'
        # Before the deadline the host kills nothing: the system kills processes when memory is short, for example.
        is_late ? ['timeout', "The synthesis took longer than #{limits[:wall_s]} s."]
                : ['crashed', 'The synthesis was killed by another process or by the system.']
      when 'ABRT' then ['memory', "The synthesis used more than #{MAX_SYNTHESIS_MEMORY_BYTES >> 20} MB of memory."]
      else ['crashed', 'scsynth stopped before the end of the score.']
      end
    { kind: kind, message: message }
  end

  def open_wide_pipe
    IO.pipe.tap { |_, writer| writer.fcntl(F_SETPIPE_SZ, PIPE_BYTES) }
  rescue Errno::EPERM # The user has too many large pipes already.
    IO.pipe
  end

  # Skip the frames before the clip, then copy `frames` frames. Missing frames are written as silence,
  # so that the reply keeps its length. Returns whether all frames arrived.
  def copy_samples(reader, skipped_frames, frames, deadline)
    skip_bytes = skipped_frames * FRAME_BYTES
    missing_bytes = frames * FRAME_BYTES
    while missing_bytes.positive? && (block = read_before_deadline(reader, deadline))
      if skip_bytes.positive?
        skipped_bytes = [skip_bytes, block.bytesize].min
        skip_bytes -= skipped_bytes
        block = block.byteslice(skipped_bytes..)
      end
      block = block.byteslice(0, missing_bytes) if block.bytesize > missing_bytes
      missing_bytes -= block.bytesize
      @output.write(block)
    end
    @output.write("\0" * missing_bytes)
    missing_bytes.zero?
  end

  # The same buffer is used every time, because the host renders thousands of programs.
  def read_before_deadline(reader, deadline)
    return unless reader.wait_readable([deadline - monotonic_seconds, 0].max)
    reader.readpartial(1 << 20, @block)
  rescue EOFError
    nil
  end

  def kill_child(child)
    Process.kill(:KILL, child)
    Process.wait2(child).last
  end

  # Remove all processes and files of a program. Outside the sandbox nothing is removed, because
  # there they may belong to others.
  def clean_up
    return unless @sandboxed
    kill_other_processes
    ['/tmp', Dir.home].each do |folder|
      names = Dir.children(folder) - ['.sonic-pi']
      FileUtils.rm_rf(names.map { |name| "#{folder}/#{name}" }) unless names.empty?
    end
  end

  def other_pids
    Dir.children('/proc').grep(/\A\d+\z/).map(&:to_i) - [Process.pid]
  end

  # All processes are killed at once, because a fork bomb outruns killing one at a time. -1 is every
  # process of this namespace, which bubblewrap created for this host alone.
  def kill_other_processes
    until other_pids.empty?
      raise 'not in the sandbox' unless sandboxed?
      begin
        Process.kill(:KILL, -1)
        Process.wait(-1)
      rescue Errno::ESRCH, Errno::ECHILD
        sleep 0.001
      end
    end
  end

  # True for the first process of a namespace whose root folder bubblewrap created for this host.
  # The first process of a namespace cannot be killed from inside it.
  def sandboxed?
    Process.pid == 1 && Process.ppid.zero? && Dir.children('/').sort == SANDBOX_ROOT
  rescue SystemCallError
    false
  end

  def monotonic_seconds
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end

input = STDIN.dup.binmode
output = STDOUT.dup.binmode
[STDIN, STDOUT].each { |stream| stream.reopen('/dev/null', stream == STDIN ? 'r' : 'w') }
STDERR.reopen('/dev/null', 'w') unless ENV['EARSHOT_HOST_LOG']
# A program that calls `gets` would read the files that ARGV names.
plugins, later_sounds = ARGV.shift(2)
Host.new(input, output, plugins, later_sounds).serve_requests
exit!(0)
