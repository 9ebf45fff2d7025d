# Reader of sound file headers: frames, channels and sample rate.
#
# scsynth reads the samples themselves; Sonic Pi needs these three numbers to know how long a sample
# plays. Formats: FLAC, WAV, AIFF and Ogg Vorbis, which Sonic Pi 3.2 accepts.
module SoundFile
  class Unreadable < StandardError; end

  Info = Struct.new(:frames, :channels, :sample_rate) do
    def seconds
      frames.zero? ? 0.0 : frames / sample_rate
    end
  end

  @cache = {}

  class << self
    # Raises Unreadable when the file is missing or its format is unknown.
    def read_info(path)
      @cache[path] ||= read_header(path)
    end

    private

    def read_header(path)
      File.open(path, 'rb') do |file|
        head = file.read(64).to_s
        case head
        when /\AfLaC/n then read_flac(head)
        when /\ARIFF....WAVE/mn then read_wav(file)
        when /\AFORM....AIF[FC]/mn then read_aiff(file)
        when /\AOggS/n then read_ogg(file, head)
        else raise Unreadable, "#{path} is not a FLAC, WAV, AIFF or Ogg file"
        end
      end
    rescue SystemCallError => e
      raise Unreadable, e.message
    end

    # STREAMINFO: 20 bits of sample rate, 3 of channels - 1, 5 of bits - 1, 36 of frames.
    def read_flac(head)
      packed = head[18, 8].unpack1('Q>')
      Info.new(packed & ((1 << 36) - 1), ((packed >> 41) & 7) + 1, (packed >> 44).to_f)
    end

    def read_wav(file)
      channels = rate = align = nil
      each_chunk(file, 'V') do |name, size|
        case name
        when 'fmt ' then channels, rate, _, align = file.read(size).unpack('x2 v V V v')
        when 'data'
          raise Unreadable, 'the WAV file has no format chunk' unless align&.positive?
          return Info.new(size / align, channels, rate.to_f)
        end
      end
      raise Unreadable, 'the WAV file has no data chunk'
    end

    def read_aiff(file)
      each_chunk(file, 'N') do |name, size|
        next unless name == 'COMM'
        channels, frames, = (common = file.read(size)).unpack('n N')
        exponent, mantissa = common[8, 10].unpack('n Q>')
        return Info.new(frames, channels, Math.ldexp(mantissa.to_f, exponent - 16_383 - 63))
      end
      raise Unreadable, 'the AIFF file has no COMM chunk'
    end

    # Yield the name and size of every chunk, with the file at the first byte of its content.
    def each_chunk(file, size_format)
      file.seek(12)
      while (header = file.read(8)) && header.bytesize == 8
        name = header[0, 4]
        size = header[4, 4].unpack1(size_format)
        start = file.pos
        yield name, size
        file.seek(start + size + (size & 1))
      end
    end

    def read_ogg(file, head)
      channels, rate = head[40, 5].unpack('C V')
      raise Unreadable, 'the Ogg file contains no Vorbis stream' unless head[28, 7] == "\x01vorbis".b
      file.seek([file.size - 65_536, 0].max)
      last = (tail = file.read).rindex('OggS') or raise Unreadable, 'the Ogg file is truncated'
      Info.new(tail[last + 6, 8].unpack1('Q<'), channels, rate.to_f)
    end
  end
end
