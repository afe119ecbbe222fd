# Sources compiled in groups, each as one file, since reading headers is half of the time that a
# single file takes: for builds from nothing. Developers compile every file by itself, so that a
# change costs one file.
#
#   ferryman_group_sources(ferryman_core)
#
# A group is of one folder, therefore names in unnamed namespaces differ within a folder. The groups
# of a folder are of about one size.
set(ferryman_group_bytes 90000)

# Sets `folder` and `bytes`, where a source lies and how large it is.
function(ferryman_measure_source source)
  cmake_path(ABSOLUTE_PATH source OUTPUT_VARIABLE path)
  file(SIZE ${path} bytes)
  cmake_path(GET path PARENT_PATH folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
  string(MAKE_C_IDENTIFIER "${folder}" folder)
  set(folder ${folder} PARENT_SCOPE)
  set(bytes ${bytes} PARENT_SCOPE)
endfunction()

function(ferryman_group_sources target)
  if(NOT FERRYMAN_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    ferryman_measure_source(${source})
    if(NOT DEFINED bytes_of_${folder})
      set(bytes_of_${folder} 0)
      set(bytes_before_in_${folder} 0)
    endif()
    math(EXPR bytes_of_${folder} "${bytes_of_${folder}} + ${bytes}")
  endforeach()
  foreach(source ${sources})
    ferryman_measure_source(${source})
    math(EXPR groups "${bytes_of_${folder}} / ${ferryman_group_bytes} + 1")
    math(EXPR group "${bytes_before_in_${folder}} * ${groups} / ${bytes_of_${folder}}")
    math(EXPR bytes_before_in_${folder} "${bytes_before_in_${folder}} + ${bytes}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
